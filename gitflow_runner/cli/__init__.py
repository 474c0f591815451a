<<<<<<< HEAD
"""The command line: parses, calls one use case, prints one envelope."""
=======
"""The command line: one file a noun, one envelope for every answer."""
>>>>>>> house
