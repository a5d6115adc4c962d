"""Typed thin layers over the programs Bob talks to: deadlines, tokens, TLS, blocking reads."""
