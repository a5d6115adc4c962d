"""Recipes of container images: data that travels with the program, no logic. See README.md here."""
