"""The pure core: from a program and a history to the next commands."""
