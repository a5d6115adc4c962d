"""A new quorum out of what is left, when a majority of the servers is gone for good.

Nobody leads then, so the operator's machine does it: by SSH, on all survivors together, with the
operation's record in a file. Its last step writes it into the history that Consul has again.
"""
