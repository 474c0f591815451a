"""What happened: every run's journal in refs, and what is folded from it."""
