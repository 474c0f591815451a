"""Code hosts and their changes: one file a kind."""
