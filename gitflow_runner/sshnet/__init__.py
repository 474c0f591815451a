"""The one SSH client, and access to remote agents over it."""
