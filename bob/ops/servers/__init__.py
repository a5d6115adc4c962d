"""Changes of the quorum: who should be a server, and the steps that make a node one or none.

`judge` is pure and answers questions about a `ClusterView`. The steps work on one node each and
are put together by the kinds `promote`, `demote` and `replace-server`; whoever removes a server for
good uses `WishClient`, `Retire`, `Settle` and `Refresh` too.
"""
