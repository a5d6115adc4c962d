"""Templates of node and service configuration: data that travels with the program, no logic."""
