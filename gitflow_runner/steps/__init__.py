"""The step types: one module each, behind the contract in `base`."""
