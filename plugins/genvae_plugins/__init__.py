"""The plugins that come with genvae; they join through entry points, like anybody's."""
