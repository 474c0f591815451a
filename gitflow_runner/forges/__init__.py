"""The code hosts on which proposals become changes: one module each, behind the contract in `base`."""
