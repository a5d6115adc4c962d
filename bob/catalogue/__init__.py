"""The services that Bob can deploy: read from the data package `jobs`, rendered to Nomad jobs."""

from bob.catalogue.catalogue import Catalogue
from bob.catalogue.counting import CountRule, instances
from bob.catalogue.image import Image, build_image
from bob.catalogue.model import Package, Service
from bob.catalogue.parameters import Parameter, as_text
from bob.catalogue.render import Settings, render

__all__ = [
    "Catalogue",
    "CountRule",
    "Image",
    "Package",
    "Parameter",
    "Service",
    "Settings",
    "as_text",
    "build_image",
    "instances",
    "render",
]
