"""Services that should run: what is wished of each, where it fits, and its job in Nomad."""
