"""Settings that follow the size of the cluster, brought to nodes that run."""
