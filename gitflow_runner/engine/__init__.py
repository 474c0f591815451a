"""The pure core: from a run's history to the next commands."""
