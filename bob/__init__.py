"""Bob: turns bare Linux servers into one self-healing cloud control plane."""

__version__ = "0.1.0"
