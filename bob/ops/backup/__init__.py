"""Copies of everything a cluster cannot make again, in one encrypted file, and the way back."""
