"""From bytes to an XML tree, trusting nothing.

The document is read twice. The first reading keeps nothing: it stops at a DOCTYPE, before any entity in it is
looked at, and counts depth and elements. Only then is a tree built, with entities, network and DTDs off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypedDict

from lxml import etree

from kernel.errors import Fault, Invalid, Text

DOCUMENT = "/"
"""Where a fault of the document as a whole is named."""


class _Options(TypedDict):
    resolve_entities: bool
    load_dtd: bool
    dtd_validation: bool
    attribute_defaults: bool
    no_network: bool
    huge_tree: bool
    recover: bool


_SAFE: _Options = {
    "resolve_entities": False,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "no_network": True,
    "huge_tree": False,
    "recover": False,
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large a document may be."""

    most_bytes: int = 2 * 1024 * 1024
    most_depth: int = 32
    most_elements: int = 100_000


def read_tree(data: bytes, limits: Limits | None = None) -> etree._Element:
    """Give the root element of a document.

    Raises:
        Invalid: It is too large, too deep, has a DOCTYPE, or is not well-formed XML.
    """
    limits = limits or Limits()
    if len(data) > limits.most_bytes:
        _refuse(
            "xml.too-large",
            Text(
                f"The document has {len(data)} bytes; at most {limits.most_bytes} are taken.",
                f"报文{len(data)}字节，超过上限{limits.most_bytes}字节。",
            ),
            Text("Split the declaration.", "请拆分报关单。"),
        )
    try:
        etree.fromstring(data, etree.XMLParser(target=_Gate(limits), **_SAFE))
        return etree.fromstring(data, etree.XMLParser(remove_comments=True, remove_pis=True, **_SAFE))
    except etree.XMLSyntaxError as error:
        line, column = error.position
        reason = (error.msg or "no content").partition(", line ")[0]
        _refuse(
            "xml.malformed",
            Text(
                f"Not well-formed XML at line {line}, column {column}: {reason}.",
                f"第{line}行第{column}列不是格式良好的XML（{reason}）。",
            ),
            Text("Mend the document at this place.", "请在该处更正报文。"),
        )


if TYPE_CHECKING:
    _Target = etree.ParserTarget[None]
else:
    _Target = (
        object  # lxml asks a target for the methods that it has, and the protocol would give it empty ones
    )


class _Gate(_Target):
    """Follows the parser and stops it at what is not let in."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._depth = self._elements = 0

    def doctype(self, name: str | None, public_id: str | None, system_id: str | None, /) -> None:
        """Refuse a DOCTYPE; called before its entities are read."""
        del public_id, system_id
        shown = (name or "")[:40]
        _refuse(
            "xml.doctype",
            Text(
                f"The document has a DOCTYPE ({shown}), which is not taken.",
                f"报文含有DOCTYPE声明（{shown}），不予接受。",
            ),
            Text("Send it without DOCTYPE and entities.", "请删除DOCTYPE及实体声明后重新提交。"),
        )

    def start(self, tag: str, attributes: dict[str, str], /) -> None:
        """Count an element."""
        del tag, attributes
        self._depth += 1
        self._elements += 1
        if self._depth > self._limits.most_depth:
            _refuse(
                "xml.too-deep",
                Text(
                    f"Elements are nested more than {self._limits.most_depth} deep.",
                    f"元素嵌套超过{self._limits.most_depth}层。",
                ),
                Text(
                    "Send a WCO declaration; none is that deep.",
                    "请提交WCO格式的报关单，其层级不会如此之深。",
                ),
            )
        if self._elements > self._limits.most_elements:
            _refuse(
                "xml.too-many-elements",
                Text(
                    f"The document has more than {self._limits.most_elements} elements.",
                    f"报文元素超过{self._limits.most_elements}个。",
                ),
                Text("Split the declaration.", "请拆分报关单。"),
            )

    def end(self, tag: str, /) -> None:
        """Leave an element."""
        del tag
        self._depth -= 1

    def close(self) -> None:
        """Finish; nothing was kept."""


def _refuse(rule: str, message: Text, next_step: Text) -> NoReturn:
    raise Invalid(found=(Fault(field=DOCUMENT, rule=rule, message=message, next_step=next_step),))
