"""Databases behind one port: one statement and its parameters, bounded, and reading unless told."""
