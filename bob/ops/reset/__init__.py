"""Taking a whole cluster down: every host bare again, and its secrets put aside."""
