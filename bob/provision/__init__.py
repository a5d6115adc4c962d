"""What Bob puts on a node: keys, certificates, agent configuration, units, access rules."""
