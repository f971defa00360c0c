"""Elements by name and place: reads values, names faults, and remembers what was looked at.

Names are compared without namespace, because real messages come with several or none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from lxml import etree

from kernel.errors import Fault, Text
from kernel.identifiers import check_currency, check_unit
from workflow.declarations.wco.model import WcoAmount, WcoMeasure

Check = Callable[[str, str], list[Fault]]

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,16}(?:\.[0-9]{0,16})?|\.[0-9]{1,16})")
_WHOLE = re.compile(r"[+-]?[0-9]{1,12}(?:\.0*)?")
_MOMENT = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?)?"
    r"(?P<zone>Z|[+-](?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})?)?"
)


def local_name(element: etree._Element) -> str:
    """Give an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children_with_places(element: etree._Element, path: str) -> Iterator[tuple[etree._Element, str]]:
    """Give the children of an element, each with its place."""
    names = [local_name(child) for child in element]
    times, seen = Counter(names), Counter[str]()
    for child, name in zip(element, names, strict=True):
        seen[name] += 1
        yield child, f"{path}/{name}[{seen[name]}]" if times[name] > 1 else f"{path}/{name}"


def _moment_of(text: str) -> datetime:
    """Read `CCYYMMDD[hhmm[ss]][zone]`; without a zone it is UTC. Raises `ValueError`."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    west = (match["zone"] or "").startswith("-")
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    zone = timezone(-offset if west else offset)
    return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)


class Report:
    """What the readers of one document found and looked at."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._seen: set[etree._Element] = set()

    def add(self, path: str, rule: str, message: Text, next_step: Text) -> None:
        """Note a fault at a place."""
        self.faults.append(Fault(field=path, rule=rule, message=message, next_step=next_step))

    def saw(self, place: Place) -> None:
        """Remember that an element was looked at."""
        if place.element is not None:
            self._seen.add(place.element)

    def unread(self, element: etree._Element, path: str) -> Iterator[str]:
        """Give the places of elements that nobody looked at, the outermost only."""
        for child, place in children_with_places(element, path):
            if child in self._seen:
                yield from self.unread(child, place)
            else:
                yield place


class Place:
    """An element, or the place where it would stand; reading from an absent one gives nothing."""

    def __init__(self, element: etree._Element | None, path: str, report: Report) -> None:
        self.element, self.path, self.report = element, path, report
        self._children: dict[str, list[Place]] | None = None

    @property
    def there(self) -> bool:
        """Whether the element is in the document."""
        return self.element is not None

    def child(self, name: str) -> Place:
        """Give the one child of a name; a second one is a fault."""
        found = self.children(name)
        if len(found) > 1:
            self.report.add(
                found[1].path,
                "wco.repeated",
                Text(f"{name} may stand here once only.", f"{name}在此只能出现一次。"),
                Text("Leave out the others.", "请删除多余的元素。"),
            )
        return found[0] if found else Place(None, f"{self.path}/{name}", self.report)

    def children(self, name: str) -> list[Place]:
        """Give all children of a name."""
        if self.element is None:
            return []
        if self._children is None:
            self._children = {}
            for child, path in children_with_places(self.element, self.path):
                self._children.setdefault(local_name(child), []).append(Place(child, path, self.report))
        found = self._children.get(name, [])
        for place in found:
            self.report.saw(place)
        return found

    def text(
        self, name: str, *, most: int = 512, check: Check | None = None, required: bool = False
    ) -> str | None:
        """Read a child's text; an empty one counts as absent."""
        return self.child(name).own_text(most=most, check=check, required=required)

    def own_text(self, *, most: int = 512, check: Check | None = None, required: bool = False) -> str | None:
        """Read the element's own text."""
        if self.element is not None and len(self.element):
            self.report.add(
                self.path,
                "wco.structure",
                Text("A value is wanted here, not further elements.", "此处应为值，而非下级元素。"),
                Text("Give the value alone.", "请只填写值。"),
            )
            return None
        value = (self.element.text or "").strip() if self.element is not None else ""
        if not value:
            if required:
                self.report.add(
                    self.path,
                    "wco.missing",
                    Text("The element is missing or empty.", "元素缺失或为空。"),
                    Text("Fill it in.", "请补充填写。"),
                )
            return None
        if len(value) > most:
            self.report.add(
                self.path,
                "wco.length",
                Text(
                    f"The value has {len(value)} characters; at most {most} are taken.",
                    f"值为{len(value)}个字符，最多{most}个。",
                ),
                Text("Shorten it.", "请缩短。"),
            )
            return None
        if check is not None and (found := check(value, self.path)):
            self.report.faults.extend(found)
            return None
        return value

    def whole(self, name: str, *, required: bool = False) -> int | None:
        """Read a child's whole number, 0 or more."""
        place = self.child(name)
        value = place.own_text(most=20, required=required)
        if value is None:
            return None
        if not _WHOLE.fullmatch(value) or (number := int(Decimal(value))) < 0:
            place.not_a_number(value, Text("a whole number, 0 or more", "非负整数"))
            return None
        return number

    def decimal(self, name: str) -> Decimal | None:
        """Read a child's decimal number, 0 or more."""
        return self.child(name).own_decimal()

    def own_decimal(self) -> Decimal | None:
        """Read the element's own decimal number, 0 or more."""
        value = self.own_text(most=40)
        if value is None:
            return None
        if not _DECIMAL.fullmatch(value) or (number := Decimal(value)) < 0:
            self.not_a_number(value, Text("a decimal number, 0 or more", "非负十进制数"))
            return None
        return number

    def amount(self, name: str) -> WcoAmount | None:
        """Read a child's money with its `currencyID`."""
        place = self.child(name)
        number = place.own_decimal()
        currency = place.attribute("currencyID", check_currency)
        return None if number is None else WcoAmount(amount=number, currency=currency)

    def measure(self, name: str, *, national_units: bool = False) -> WcoMeasure | None:
        """Read a child's quantity with its `unitCode`; a national qualifier may follow the unit after `#`.

        Args:
            name: The child.
            national_units: Whether units outside Recommendation 20 are taken, as in tax bases.
        """
        place = self.child(name)
        number = place.own_decimal()
        code = place.attribute("unitCode")
        unit, _, qualifier = (code or "").partition("#")
        if unit and not national_units and (found := check_unit(unit, f"{place.path}/@unitCode")):
            self.report.faults.extend(found)
            return None
        if number is None:
            return None
        return WcoMeasure(quantity=number, unit=unit or None, qualifier=qualifier or None)

    def attribute(self, name: str, check: Check | None = None) -> str | None:
        """Read an attribute."""
        value = (self.element.get(name) or "").strip() if self.element is not None else ""
        if value and check is not None and (found := check(value, f"{self.path}/@{name}")):
            self.report.faults.extend(found)
            return None
        return value or None

    def moment(self, name: str) -> datetime | None:
        """Read a child's moment: a `DateTimeString` of format 102, 203, 204 or 304."""
        place = self.child(name).child("DateTimeString")
        value = place.own_text(most=35)
        if value is None:
            return None
        try:
            return _moment_of(value)
        except (ValueError, OverflowError):
            self.report.add(
                place.path,
                "wco.moment",
                Text(f"{value} is not a moment.", f"{value}不是有效时间。"),
                Text(
                    "Write it as 20260206083000+08 (formatCode 304).",
                    "请写成20260206083000+08的形式（formatCode 304）。",
                ),
            )
            return None

    def not_a_number(self, value: str, wanted: Text) -> None:
        """Note that a value is not the number that is wanted."""
        self.report.add(
            self.path,
            "wco.number",
            Text(f"{value[:60]} is not {wanted.en}.", f"{value[:60]}不是{wanted.zh}。"),
            Text("Digits with a point for decimals, no separators.", "只用数字和小数点，不用千位分隔符。"),
        )
