"""What a verifier remembers so that the same bytes are judged once: bounded in number and in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

MOST_KEPT = 4096
MOST_KEPT_BYTES = 64 << 20
T = TypeVar("T")


class Kept(Generic[T]):
    """Work done on bytes before, found again by all of these bytes; the longest unused goes when there is too much.

    A name is SHA-256 over everything that the work depends on: what differs in one bit is other work.

    Args:
        most: How many works are kept.
        most_bytes: How many bytes they may have been done on, together.
    """

    def __init__(self, most: int = MOST_KEPT, most_bytes: int = MOST_KEPT_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._found: OrderedDict[bytes, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        """Tell how many works are kept."""
        return len(self._found)

    def get_or(self, data: bytes, make: Callable[[], T]) -> T:
        """Give what was made of the same bytes, made now where nothing is kept; what raises is not kept."""
        name = sha256(data).digest()
        with self._lock:
            known = self._found.get(name)
            if known is not None:
                self._found.move_to_end(name)
                return known[0]
        made = make()
        with self._lock:
            if name not in self._found:
                self._found[name] = made, len(data)
                self._bytes += len(data)
            while len(self._found) > self._most or self._bytes > self._most_bytes:
                self._bytes -= self._found.popitem(last=False)[1][1]
        return made
