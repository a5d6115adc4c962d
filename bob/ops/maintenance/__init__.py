"""Taking a node out of service: what would be at risk, and the steps."""
