"""Frozen values that every layer shares: flow, pin, event, command, run, spec."""
