"""One file per verb. Each has `register(app)`; heavy imports happen inside the functions."""
