"""Watches a node (`nodecheck`) and, on one server at a time, the whole cluster (`clustercheck`).

Both are services in Consul with one check each, whose output is a table that says what to do.
`bob doctor` shows the same findings. Everything is sense -> decide -> act: `decide` is pure.
"""
