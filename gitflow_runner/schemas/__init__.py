"""Shapes of data: Malli's vectors and JSON Schema read into one form, and values held against it."""
