"""An instrument's calibration: out of it, an instrument gives no verdict (DOMAIN.md §6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from inspection.records import Recorded
from kernel.errors import PisteError, Text


@dataclass(frozen=True, kw_only=True)
class Calibration(Recorded):
    """The certificate that says until when an instrument's readings count. Both ends belong to the time of validity."""

    certificate_no: str
    calibrated_at: datetime
    valid_until: datetime

    def covers(self, moment: datetime) -> bool:
        """Tell whether a reading at a moment counts."""
        return self.calibrated_at <= moment <= self.valid_until


class ReadingImplausible(PisteError):
    """A reading is not a number that the instrument can show."""

    code = "reading.implausible"
    message = Text(
        "The reading {quantity} = {value} is not possible; it must be a finite number, 0 or more.",
        "读数{quantity} = {value}无效，应为不小于0的有限数值。",
    )
    next_step = Text("Check the instrument and measure again.", "请检查仪器后重新测量。")
    field = "/{quantity}"
    quantity: str
    value: str


Figure = float | int | Decimal


def plausible(value: Figure, quantity: str) -> Decimal:
    """Give a reading as exact decimal, as it was shown.

    Args:
        value: The reading; a float is taken as the shortest decimal that means it.
        quantity: Its name, for the refusal.

    Raises:
        ReadingImplausible: Not finite, negative, or no number.
    """
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation as error:
        raise ReadingImplausible(quantity=quantity, value=str(value)) from error
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise ReadingImplausible(quantity=quantity, value=str(value))
    return abs(number)  # no negative zero
