"""A forge on loopback in three dialects, over a real bare repository; it can be told to lie."""
