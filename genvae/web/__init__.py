"""The page and its server: a run that one presses, sees, explores and links to in a browser."""
