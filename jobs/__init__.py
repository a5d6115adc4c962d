"""The service catalogue: data that travels with the program, no logic. See README.md here."""
