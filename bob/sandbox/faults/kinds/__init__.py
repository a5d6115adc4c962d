"""One file per kind of fault. A file put here is found by the registry and becomes a command."""
