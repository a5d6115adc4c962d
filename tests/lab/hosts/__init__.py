"""Tests on bare hosts that they share."""
