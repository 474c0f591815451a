"""The allowed library, one theme a file, each with a `TABLE` of name to `Builtin`."""
