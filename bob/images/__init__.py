"""Container images with the Kolla contract, made from Debian packages without a docker daemon.

An image is a chain of layers, one for each recipe: `keystone` on `osbase` on `base`. A layer is the
upper folder of an overlay over the layers before it, packed so that equal packages give equal bits.
"""
