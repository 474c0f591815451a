"""Local and remote agents that work may be handed to: one file a kind."""
