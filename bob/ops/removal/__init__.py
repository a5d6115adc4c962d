"""Taking a node out for good: what would be at risk, what is left of it anywhere, and the steps."""
