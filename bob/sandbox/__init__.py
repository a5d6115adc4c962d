"""A whole cluster of emulated hosts on one Linux machine."""
