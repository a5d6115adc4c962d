"""Bob itself, packed for the hosts: its code and the libraries it needs there, in one folder.

    own = ensure("3.11", "x86_64")    # warm: its own files hashed, one small file read
    own.digest, own.packed            # as `bob.provision.trees.Tree` takes them

A host needs nothing but its own `python3`: the folder holds compiled extensions for exactly that
Python and processor, and the byte code of every module. `<folder>/bob-agent` starts bob-agent, and
with `--part PACKAGE` first another daemon of Bob's.
"""

from __future__ import annotations

from bob.toolchain.bundle.ensure import Bundle, ensure

__all__ = ["Bundle", "ensure"]
