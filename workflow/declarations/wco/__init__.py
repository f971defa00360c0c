"""The reader of WCO Data Model 3.6 declarations.

`read_wco_declaration` judges a message on the data model: structure, code lists, numbers. It takes foreign messages
with their national particulars. `to_filing` makes of it what can be filed with Piste, which asks for more.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lxml import etree

from kernel.errors import Fault, Invalid, Text, collect
from workflow.declarations.wco.document import DOCUMENT, Limits, read_tree
from workflow.declarations.wco.elements import Place, Report, local_name
from workflow.declarations.wco.filing import element_of, raw_content, to_filing
from workflow.declarations.wco.model import WcoDeclaration, WcoItem
from workflow.declarations.wco.reading import read_declaration
from workflow.declarations.wco.schema_check import WcoSchemasUnusable, named_folder, schema_faults

__all__ = [
    "Limits",
    "WcoDeclaration",
    "WcoItem",
    "WcoSchemasUnusable",
    "element_of",
    "raw_content",
    "read_wco_declaration",
    "to_filing",
]


def read_wco_declaration(
    data: bytes, *, limits: Limits | None = None, schemas: Path | None = None
) -> WcoDeclaration:
    """Read a declaration.

    Args:
        data: The message, with or without namespaces, bare or in its envelopes.
        limits: How large it may be.
        schemas: Folder of XML schemas to validate against; where none is given, the one that `PISTE_WCO_SCHEMAS`
            names; where that is not set either, no schema is used.

    Raises:
        Invalid: It has faults; each names the element and the rule, all at once.
        WcoSchemasUnusable: The folder of schemas cannot be used.
    """
    root = read_tree(data, limits)
    element = _declaration_in(root)
    report = Report()
    parent = element.getparent()
    in_envelope = parent is not None and local_name(parent) == "MetaData"
    envelope = Place(parent if in_envelope else None, "/MetaData", report)
    declaration = read_declaration(Place(element, "/Declaration", report), envelope)
    folder = schemas or named_folder()
    found = [*report.faults, *(schema_faults(element, folder) if folder else [])]
    collect(list(dict.fromkeys(found)))
    return replace(declaration, unread=tuple(report.unread(element, "/Declaration")))


def _declaration_in(root: etree._Element) -> etree._Element:
    """Find the one declaration: the root, or below the first `MetaData`."""
    if local_name(root) == "Declaration":
        return root
    envelope = next((element for element in root.iter() if local_name(element) == "MetaData"), None)
    found = (
        [child for child in envelope if local_name(child) == "Declaration"] if envelope is not None else []
    )
    if len(found) == 1:
        return found[0]
    if found:
        raise Invalid(
            found=(
                Fault(
                    field="/MetaData/Declaration[2]",
                    rule="wco.repeated",
                    message=Text("The message has more than one declaration.", "报文含有多份报关单。"),
                    next_step=Text("Send one message for each.", "请逐份提交。"),
                ),
            )
        )
    inside = envelope if envelope is not None else root
    names = [local_name(child) for child in inside][-1:] or [local_name(root)]
    raise Invalid(
        found=(
            Fault(
                field=DOCUMENT,
                rule="wco.no-declaration",
                message=Text(
                    f"The message has no element Declaration; it has {names[0][:60]}.",
                    f"报文没有Declaration元素，而是{names[0][:60]}。",
                ),
                next_step=Text(
                    "Send a declaration of the WCO Data Model: MetaData with Declaration.",
                    "请提交WCO数据模型报关单（MetaData内含Declaration）。",
                ),
            ),
        )
    )
