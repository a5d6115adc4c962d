"""Upkeep of a cluster: keys, backups, versions."""
