"""Finding, downloading or building consul, nomad and consul-template."""
