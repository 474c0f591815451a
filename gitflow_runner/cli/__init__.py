"""The command line: one file a noun, one envelope for every answer."""
