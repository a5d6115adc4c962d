"""Something that is made when it is asked for first, and kept until it is outdated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Source(Generic[T]):
    """Used by several threads; what `make` raises is raised, and it is tried again next time."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._making = threading.Lock()
        self._made: T | None = None

    def get(self) -> T:
        """The thing."""
        with self._making:
            if self._made is None:
                self._made = self._make()
            return self._made

    def forget(self) -> None:
        """It is outdated: make another one when it is asked for next."""
        with self._making:
            self._made = None
