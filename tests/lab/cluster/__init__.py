"""Tests on an initialised cluster that they share."""
