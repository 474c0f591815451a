"""The imperative shell: use cases, the worker, and the composition root."""
