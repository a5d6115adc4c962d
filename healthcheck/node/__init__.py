"""What one node finds out about itself and its neighbours."""
