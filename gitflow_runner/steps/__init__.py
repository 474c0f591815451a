"""Step types: one file a type, each with its Spec."""
