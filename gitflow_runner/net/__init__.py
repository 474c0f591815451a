"""The one HTTP client: pinned addresses, limits, redaction."""
