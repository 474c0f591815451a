"""The one HTTP client: pinned addresses, bounds, and no credentials where they do not belong."""
