"""Gossip keys, certificates and tokens, replaced while everything runs."""
