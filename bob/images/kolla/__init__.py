"""The two programs of the Kolla contract, as they are copied into the base image.

Each is one file without imports of ours: in an image it stands alone, below /usr/local/bin.
"""
