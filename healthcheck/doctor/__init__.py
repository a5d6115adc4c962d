"""`bob doctor`: the findings of all nodes and of the cluster in one list, with cures.

While Consul answers, the findings are those that the nodes wrote down themselves. When it does not,
what can be seen from here still is: which hosts answer, and what each server says.
"""
