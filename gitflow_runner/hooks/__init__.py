"""The Git hooks' entry points, called by the shims in hooks/."""
