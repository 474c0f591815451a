"""Git behind one port: adapters, ref names, and the objects themselves as values."""
