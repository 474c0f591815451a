"""Flows, runs, events and what they are made of, as frozen values."""
