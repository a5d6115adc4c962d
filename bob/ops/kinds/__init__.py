"""The kinds of operation, one module each, which offers its `bob.ops.kind.Kind` as `KIND`."""
