"""What happened, durably, in Git: every run is a chain of signed turns."""
