"""The machine on which Bob is run: its programs, its Debian mirror, its locks and cached folders.

Imports nothing here: the mainboard of each emulated host uses this package and must stay small.
"""
