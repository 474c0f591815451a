"""The channels over which people hear of a run: one module each, behind the contract in `base`."""
