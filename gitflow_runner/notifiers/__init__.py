"""Channels that tell people something: one file a kind."""
