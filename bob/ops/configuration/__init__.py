"""The configuration of services: parameters and templates in Consul's KV, secrets in Nomad."""
