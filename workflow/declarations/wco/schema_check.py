"""Validation against the XML schemas of a customs service, where an installation has them.

The project ships no schema files; `PISTE_WCO_SCHEMAS` names a folder with `DocumentMetaData*.xsd` and `WCO_DEC*.xsd`.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from lxml import etree

from kernel.errors import Fault, Kind, PisteError, Text
from workflow.declarations.wco.elements import children_with_places, local_name

VARIABLE = "PISTE_WCO_SCHEMAS"

_XSD = "http://www.w3.org/2001/XMLSchema"
_IN_MESSAGE = re.compile(r"\{[^}]*\}")


class WcoSchemasUnusable(PisteError):
    """The folder of XML schemas that the installation names cannot be used."""

    code = "wco.schemas-unusable"
    kind = Kind.UNAVAILABLE
    message = Text(
        "The XML schemas in {folder} cannot be used: {reason}.", "{folder}中的XML模式无法使用：{reason}。"
    )
    next_step = Text(
        "Correct PISTE_WCO_SCHEMAS, or unset it to check without schemas.",
        "请更正PISTE_WCO_SCHEMAS，或取消该设置。",
    )
    folder: str
    reason: str


def named_folder() -> Path | None:
    """Give the folder that the environment names, None where it names none."""
    name = os.environ.get(VARIABLE, "")
    return Path(name) if name else None


def schema_faults(declaration: etree._Element, folder: Path) -> list[Fault]:
    """Give what the schemas find, each at its element.

    Args:
        declaration: The element `Declaration`; the `MetaData` around it is validated with it.
        folder: Where the schemas are.

    Raises:
        WcoSchemasUnusable: There are no schemas, or they do not compile.
    """
    schema = _schema(folder)
    parent = declaration.getparent()
    top = parent if parent is not None and local_name(parent) == "MetaData" else declaration
    tree = etree.ElementTree(top)
    if schema.validate(tree):
        return []
    return [
        Fault(
            field=_place(tree, error.path, declaration),
            rule="wco.schema",
            message=Text(
                f"The schema says: {_IN_MESSAGE.sub('', error.message)[:300]}",
                f"XML模式校验：{_IN_MESSAGE.sub('', error.message)[:300]}",
            ),
            next_step=Text("Mend the element as the schema demands.", "请按XML模式要求更正该元素。"),
        )
        for error in schema.error_log
    ]


def _place(tree: etree._ElementTree, path: str | None, declaration: etree._Element) -> str:
    """Turn the validator's path into the place that all faults use."""
    names = {prefix: uri for prefix, uri in tree.getroot().nsmap.items() if prefix}
    try:
        found = tree.xpath(path or "/*", namespaces=names)
    except etree.XPathError:
        return path or "/"
    element = found[0] if isinstance(found, list) and found else None
    if not etree.iselement(element):
        return path or "/"
    steps: list[str] = []
    while element is not declaration:
        parent = element.getparent()
        if parent is None:
            return "/" + "/".join([local_name(element), *reversed(steps)])
        steps.append(next(place for child, place in children_with_places(parent, "") if child is element)[1:])
        element = parent
    return "/".join(["/Declaration", *reversed(steps)])


@lru_cache(maxsize=4)
def _schema(folder: Path) -> etree.XMLSchema:
    files = sorted([*folder.glob("DocumentMetaData*.xsd"), *folder.glob("WCO_DEC*.xsd")])
    if not files:
        raise WcoSchemasUnusable(folder=str(folder), reason="no DocumentMetaData*.xsd, no WCO_DEC*.xsd")
    driver = etree.Element(f"{{{_XSD}}}schema", nsmap={"xs": _XSD})
    try:
        for file in files:
            namespace = etree.parse(file).getroot().get("targetNamespace", "")
            etree.SubElement(
                driver, f"{{{_XSD}}}import", namespace=namespace, schemaLocation=file.resolve().as_uri()
            )
        return etree.XMLSchema(driver)
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError, OSError) as error:
        raise WcoSchemasUnusable(folder=str(folder), reason=str(error)[:200]) from error
