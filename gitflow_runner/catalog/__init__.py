"""What exists to be started: flows read from a commit, a work tree or a pin, normalised and checked."""
