"""Faults that can be put into a sandbox and taken out again.

    kinds/       one file per kind of fault; adding a file adds a fault and its command
    base.py      what a fault is
    registry.py  finds the kinds
    store.py     faults.json: what is in force
    actions.py   inject, clear, list
    switch.py, processes.py, wire.py   the means: frames and links, processes of a host, delay

What a power cycle of the host does to a fault on it:

    power                    off lasts until something powers the host on
    nic pair loss delay network   stay: they sit in the switch, and the host's ports stay there
    bmc                      stays: a BMC has its own power
    hang process disk        end: they live in the running operating system
"""
