"""The clip store: how recordings become sealed shards of clips, and how those are read."""
