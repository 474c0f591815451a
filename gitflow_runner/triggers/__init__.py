"""What asks for a run to start: one file a kind, each with a pure result."""
