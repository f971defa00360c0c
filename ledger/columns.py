"""Column types for what the chain holds."""

from __future__ import annotations

from sqlalchemy import Dialect, String
from sqlalchemy.types import TypeDecorator


class Uint(TypeDecorator[int]):
    """A whole number as wide as the chain's, kept as a decimal text with leading zeros.

    So no width overflows, and texts compare as the numbers do, on every database.

    Args:
        bits: Width of the Solidity type.
    """

    impl = String
    cache_ok = True

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__(len(str((1 << bits) - 1)))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """Write the digits; a number that does not fit is refused."""
        del dialect
        if value is None:
            return None
        if not 0 <= value < 1 << self.bits:
            msg = f"{value} is no uint{self.bits}"
            raise ValueError(msg)
        return str(value).zfill(len(str((1 << self.bits) - 1)))

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        """Read the number."""
        del dialect
        return None if value is None else int(value)
