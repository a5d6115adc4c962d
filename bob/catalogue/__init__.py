"""The services that Bob can deploy: read from the data package `jobs`, rendered to Nomad jobs."""

from bob.catalogue.catalogue import Catalogue
from bob.catalogue.image import Image, build_image
from bob.catalogue.model import Package, Service
from bob.catalogue.render import render

__all__ = ["Catalogue", "Image", "Package", "Service", "build_image", "render"]
