"""The imperative shell: use cases, the worker's loop and the composition root."""
