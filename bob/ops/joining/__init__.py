"""What is done with one bare host until it is a member: for `bob init` and for `bob add-node`.

For both, one host at a time:
fitness    may this host become a member
claim      mark it as ours, before anything else is put on it
software   programs, configuration, units
names      names of Consul

For a cluster that exists:
wanted     what the wish says
candidate  may this node be in this inventory, at this moment
login      the robot's own SSH login, let in and taken away again
rights     policies and tokens of one node
site       the host as the steps of one operation reach it
enlist, furnish, settle
           the steps, in order
"""
