"""What exists to be started: flows, releases, live, installations."""
