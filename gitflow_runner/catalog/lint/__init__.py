"""What can be said about a flow's text without running it: one rule a file, `registry.py` lists them."""
