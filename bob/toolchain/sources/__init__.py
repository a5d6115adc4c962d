"""The places a tool can come from, one module each, all with the interface `model.Source`."""
