"""Deploying a service of the catalogue: look, plan, prepare the hosts, register, wait, ask it."""
