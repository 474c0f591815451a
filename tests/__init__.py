"""Everything that holds the project to its word; README.md beside this file says how to run it."""
