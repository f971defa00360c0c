"""From a read message to content that can be filed with Piste.

Where each field of the content comes from stands in `raw_content`; a fault in the content is named at the element that
it came from, or at the element where it should have stood.

What the data model has no element for is stated as additional information of the declaration: `StatementCode` EVENT,
VENUE or SUPERVISION (the supervision mode) with the value as `StatementDescription`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from kernel.errors import Fault, Invalid, Text, capped, collect
from kernel.particulars import plain
from workflow.declarations.schemas import DeclarationContent, parse_declaration
from workflow.declarations.wco.model import WcoDeclaration, WcoDocument, WcoItem, WcoMeans

MODES = {
    "1": "sea",
    "2": "rail",
    "3": "road",
    "4": "air",
    "5": "post",
    "7": "fixed",
    "8": "inland_water",
}
"""Transport modes by their code in UNECE Recommendation 19."""
TRANSPORT_DOCUMENTS = {
    "740": "air_waybill",
    "741": "air_waybill",
    "704": "bill_of_lading",
    "705": "bill_of_lading",
    "720": "consignment_note",
    "730": "consignment_note",
    "750": "postal",
}
"""Transport documents by their type in UN/EDIFACT 1001."""
PAPERS = {"380": "invoice", "271": "packing_list", "955": "ata_carnet"}
"""Other papers by their type in UN/EDIFACT 1001."""
ORIGINAL = "9"

_Put = Callable[[str, object, str], None]
"""Sets a field of an object from an element: the field's name, its value, the element's place."""

_SHIP, _ROAD_VEHICLE = "10", "30"
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LINK = re.compile(r"(?P<number>.+):(?P<line>[1-9][0-9]{0,3})")
_ROOT, _SHIPMENT = "/Declaration", "/Declaration/GoodsShipment"


class _Sources:
    """The content as it is put together, with the element that each field came from."""

    def __init__(self) -> None:
        self.raw: dict[str, Any] = {}
        self.faults: list[Fault] = []
        self._places: dict[str, str] = {}

    def put(self, into: dict[str, Any], field: str, value: object, *, at: str, key: str) -> None:
        """Set a field, absent where the value is None, and note its element.

        Args:
            into: The object that the field belongs to.
            field: JSON pointer of that object.
            value: What to set.
            at: The element.
            key: The field's name.
        """
        self._places[f"{field}/{key}"] = at
        if value is not None:
            into[key] = value

    def place(self, pointer: str) -> str:
        """Give the element behind a JSON pointer, or behind the nearest field around it."""
        while pointer and pointer not in self._places:
            pointer = pointer.rpartition("/")[0]
        return self._places.get(pointer, _ROOT)


def to_filing(wco: WcoDeclaration, defaults: Mapping[str, Any] | None = None) -> DeclarationContent:
    """Complete a read message to content that can be filed.

    Args:
        wco: The message.
        defaults: Values of top-level fields for which the message has none, for example the broker's name as it is
            registered, or the event and venue that the sender works for.

    Raises:
        Invalid: What is missing or wrong for a filing, each at its element.
    """
    sources = _gather(wco, defaults or {})
    if wco.function != ORIGINAL:
        sources.faults.append(
            _fault(
                f"{_ROOT}/FunctionCode",
                "filing.function",
                Text(
                    f"Function {wco.function} is not an original declaration.",
                    f"功能代码{wco.function}不是原始申报。",
                ),
                Text("Amend and withdraw through the case itself.", "修改或撤回请在业务单上办理。"),
            )
        )
    try:
        content = parse_declaration(sources.raw)
    except Invalid as invalid:
        named = [fault.at(sources.place(fault.field)) for fault in invalid.found]
        raise Invalid(found=capped(list(dict.fromkeys([*sources.faults, *named])))) from None
    collect(sources.faults)
    return content


def raw_content(wco: WcoDeclaration, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give what a message says in the shape of a declaration's content, unchecked and possibly incomplete."""
    return _gather(wco, defaults or {}).raw


def element_of(wco: WcoDeclaration, field: str) -> str:
    """Name the element that a field of the content came from, or where it should have stood.

    Args:
        wco: The message.
        field: JSON pointer into the content.
    """
    return _gather(wco, {}).place(field)


def _gather(wco: WcoDeclaration, defaults: Mapping[str, Any]) -> _Sources:
    sources = _Sources()
    raw = sources.raw

    def put(key: str, value: object, at: str) -> None:
        sources.put(raw, "", defaults.get(key) if value is None else value, at=at, key=key)

    imports = wco.direction != "export"
    holder = wco.importer if imports else wco.exporter
    holder_at = f"{_SHIPMENT}/Importer" if imports else f"{_ROOT}/Exporter"
    put("reference", wco.reference, f"{_ROOT}/FunctionalReferenceID")
    put("office", wco.office, f"{_ROOT}/DeclarationOfficeID")
    put("direction", wco.direction, f"{_ROOT}/TypeCode")
    put("procedure", *_procedure(wco, sources, "current"))
    put("previous_procedure", *_procedure(wco, sources, "previous"))
    put("supervision_mode", *_statement(wco, "SUPERVISION"))
    put("event", *_statement(wco, "EVENT"))
    put("venue", *_statement(wco, "VENUE"))
    put("declarant", wco.declarant and wco.declarant.identifier, f"{_ROOT}/Declarant/ID")
    put("declarant_name", wco.declarant and wco.declarant.name, f"{_ROOT}/Declarant/Name")
    put("holder", holder and holder.identifier, f"{holder_at}/ID")
    put("holder_name", holder and holder.name, f"{holder_at}/Name")
    put("transport", _transport(wco, sources), f"{_ROOT}/BorderTransportMeans")
    put("export_country", wco.export_country, f"{_SHIPMENT}/ExportCountry/ID")
    put("destination_country", wco.destination_country, f"{_SHIPMENT}/Destination/CountryCode")
    put("trade_terms", wco.trade_terms, f"{_SHIPMENT}/TradeTerms/ConditionCode")
    put("trade_place", wco.trade_place, f"{_SHIPMENT}/TradeTerms/LocationID")
    put("lines", [_line(item, index, sources) for index, item in enumerate(wco.items)], _SHIPMENT)
    put("documents", _papers(wco, sources), f"{_SHIPMENT}/GovernmentAgencyGoodsItem")
    _put_totals(wco, put)
    return sources


def _put_totals(wco: WcoDeclaration, put: _Put) -> None:
    packages = [p.count for item in wco.items for p in item.packaging if p.count is not None]
    put(
        "total_packages",
        wco.packages if wco.packages is not None else sum(packages),
        f"{_ROOT}/TotalPackageQuantity",
    )
    gross = [item.gross_kg for item in wco.items if item.gross_kg is not None]
    put(
        "gross_kg",
        plain(wco.gross_kg if wco.gross_kg is not None else sum(gross, Decimal(0))),
        f"{_ROOT}/TotalGrossMassMeasure",
    )
    if wco.invoice is not None:
        put("currency", wco.invoice.currency, f"{_ROOT}/InvoiceAmount/@currencyID")
        put("total_value", plain(wco.invoice.amount), f"{_ROOT}/InvoiceAmount")
        return
    values = [item.value for item in wco.items if item.value is not None]
    currencies = {value.currency for value in values}
    one = len(currencies) == 1
    put("currency", currencies.pop() if one else None, f"{_ROOT}/InvoiceAmount/@currencyID")
    total = plain(sum((value.amount for value in values), Decimal(0))) if one else None
    put("total_value", total, f"{_ROOT}/InvoiceAmount")


def _procedure(wco: WcoDeclaration, sources: _Sources, which: str) -> tuple[str | None, str]:
    """Give the procedure that all items share; an item that differs is a fault."""
    first: str | None = None
    place = f"{_SHIPMENT}/GovernmentAgencyGoodsItem/GovernmentProcedure"
    element = "CurrentCode" if which == "current" else "PreviousCode"
    for number, item in enumerate(wco.items):
        procedure = item.procedure
        value: str | None = getattr(procedure, which) if procedure else None
        at = f"{procedure.path if procedure else item.path}/{element}"
        if number == 0:
            first, place = value, at
        elif value != first:
            sources.faults.append(
                _fault(
                    at,
                    "filing.procedure-differs",
                    Text(
                        f"This item has procedure {value}, the first one {first}.",
                        f"本项程序为{value}，首项为{first}。",
                    ),
                    Text(
                        "File goods of another procedure in a declaration of their own.",
                        "不同程序的货物请分单申报。",
                    ),
                )
            )
    return first, place


def _statement(wco: WcoDeclaration, code: str) -> tuple[str | None, str]:
    for statement in wco.statements:
        if statement.code == code:
            return statement.words, f"{statement.path}/StatementDescription"
    return None, f"{_ROOT}/AdditionalInformation[StatementCode='{code}']/StatementDescription"


def _transport(wco: WcoDeclaration, sources: _Sources) -> dict[str, Any]:
    transport: dict[str, Any] = {}
    border, field = wco.border_means, "/transport"
    mode = MODES.get(border.mode or "") if border else None
    sources.put(transport, field, mode, at=f"{_ROOT}/BorderTransportMeans/ModeCode", key="mode")
    inland = wco.arrival_means if wco.direction != "export" else wco.departure_means
    means: WcoMeans | None = inland or border
    if means is not None:
        key = {_SHIP: "ship", _ROAD_VEHICLE: "vehicle_plate"}.get(means.identifier_type or "", "means")
        sources.put(transport, field, means.identifier or means.name, at=f"{means.path}/ID", key=key)
    containers = [box for box in wco.equipment if box.identifier is not None]
    sources.put(
        transport,
        field,
        [box.identifier for box in containers],
        at=f"{_SHIPMENT}/Consignment/TransportEquipment",
        key="containers",
    )
    for index, box in enumerate(containers):
        sources.put({}, f"{field}/containers", None, at=f"{box.path}/ID", key=str(index))
    paper = next((d for d in wco.all_documents() if d.type in TRANSPORT_DOCUMENTS and d.identifier), None)
    if paper is not None:
        document = {"kind": TRANSPORT_DOCUMENTS[paper.type or ""], "number": paper.identifier}
        sources.put(transport, field, document, at=f"{paper.path}/ID", key="document")
    return transport


def _papers(wco: WcoDeclaration, sources: _Sources) -> list[dict[str, Any]]:
    papers: list[dict[str, Any]] = []
    for document in wco.all_documents():
        kind = PAPERS.get(document.type or "")
        paper = {"kind": kind, "number": document.identifier}
        if kind is not None and document.identifier is not None and paper not in papers:
            sources.put({}, "/documents", None, at=f"{document.path}/ID", key=str(len(papers)))
            papers.append(paper)
    return papers


def _line(item: WcoItem, index: int, sources: _Sources) -> dict[str, Any]:
    line: dict[str, Any] = {}
    commodity, measures = f"{item.path}/Commodity", f"{item.path}/Commodity/GoodsMeasure"
    field = f"/lines/{index}"
    sources.put({}, "/lines", None, at=item.path, key=str(index))

    def put(key: str, value: object, at: str) -> None:
        sources.put(line, field, value, at=at, key=key)

    tariff, origin = item.classification, item.origins[0] if item.origins else None
    language = "name_zh" if item.description and _CHINESE.search(item.description) else "name_en"
    put("line_no", item.sequence, f"{item.path}/SequenceNumeric")
    put("hs_code", tariff and tariff.code, f"{tariff.path if tariff else commodity + '/Classification'}/ID")
    put("name_en", None, f"{commodity}/Description")
    put(language, item.description, f"{commodity}/Description")
    put("quantity", item.quantity and plain(item.quantity.quantity), f"{measures}/TariffQuantity")
    put("unit", item.quantity and item.quantity.unit, f"{measures}/TariffQuantity/@unitCode")
    _put_packages(item, put, sources)
    put("gross_kg", _plain(item.gross_kg), f"{measures}/GrossMassMeasure")
    put("net_kg", _plain(item.net_kg), f"{measures}/NetNetWeightMeasure")
    charge = f"{commodity}/InvoiceLine/ItemChargeAmount"
    put("value", item.value and plain(item.value.amount), charge)
    put("currency", item.value and item.value.currency, f"{charge}/@currencyID")
    put(
        "origin", origin and origin.country, f"{origin.path if origin else item.path + '/Origin'}/CountryCode"
    )
    number, certificate_line, at = _certificate(item, sources)
    put("certificate_number", number, at)
    put("certificate_line", certificate_line, at)
    return line


def _put_packages(item: WcoItem, put: _Put, sources: _Sources) -> None:
    first = item.packaging[0].path if item.packaging else f"{item.path}/Packaging"
    counts = [packaging.count for packaging in item.packaging if packaging.count is not None]
    put("packages", sum(counts) if counts else None, f"{first}/QuantityQuantity")
    kinds = [packaging.kind for packaging in item.packaging]
    put("package_kind", kinds[0] if kinds else None, f"{first}/TypeCode")
    for packaging in item.packaging[1:]:
        if packaging.kind != kinds[0]:
            sources.faults.append(
                _fault(
                    f"{packaging.path}/TypeCode",
                    "filing.package-kinds",
                    Text(
                        f"Packages of the kinds {kinds[0]} and {packaging.kind} stand in one item.",
                        f"同一商品项有{kinds[0]}和{packaging.kind}两种包装。",
                    ),
                    Text("Make an item for each kind of package.", "请按包装种类分列商品项。"),
                )
            )


def _certificate(item: WcoItem, sources: _Sources) -> tuple[str | None, int | None, str]:
    """Give the certificate line that an item draws on: AdditionalDocument X MC1 with `<number>:<line>`."""
    links = item.certificate_links
    if not links:
        return None, None, f"{item.path}/AdditionalDocument"
    if len(links) > 1:
        sources.faults.append(
            _fault(
                links[1].path,
                "filing.certificate-link",
                Text("An item draws on one certificate line.", "每个商品项只能引用一行证明函。"),
                Text("Split the item.", "请拆分商品项。"),
            )
        )
    return *_link(links[0], sources), f"{links[0].path}/ID"


def _link(document: WcoDocument, sources: _Sources) -> tuple[str | None, int | None]:
    match = _LINK.fullmatch(document.identifier or "")
    if match is not None:
        return match["number"], int(match["line"])
    sources.faults.append(
        _fault(
            f"{document.path}/ID",
            "filing.certificate-link",
            Text(
                f"{document.identifier or 'Nothing'} does not name a certificate line.",
                f"{document.identifier or '空值'}未指明证明函行。",
            ),
            Text(
                "Write <certificate number>:<line>, for example MC-0118:2.",
                "请写成“证明函编号:行号”，例如MC-0118:2。",
            ),
        )
    )
    return None, None


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _fault(at: str, rule: str, message: Text, next_step: Text) -> Fault:
    return Fault(field=at, rule=rule, message=message, next_step=next_step)
