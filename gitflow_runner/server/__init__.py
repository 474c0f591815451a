"""The HTTP face: API, webhooks, callbacks and pages."""
