"""A Git-native runner for durable flows: every run is a chain of signed commits."""

__version__ = "0.1.0"
