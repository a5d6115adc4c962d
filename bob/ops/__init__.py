"""The operation engine and one file per kind of operation."""
