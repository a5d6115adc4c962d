"""What one server at a time finds out about the whole cluster."""
