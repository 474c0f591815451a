"""Named services that flows reach: kinds of connection and where their secrets come from."""
