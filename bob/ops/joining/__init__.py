"""What is done with one bare host until it is a member: for `bob init` and for `bob add-node`.

fitness    may this host become a member
claim      mark it as ours, before anything else is put on it
software   programs, configuration, units
names      names of Consul
"""
