"""From elements to the typed declaration, and the rules that the data model itself sets.

National particulars (office codes, identifications, tax units) are taken as they are; code lists that hold
everywhere (countries, currencies, the Harmonized System, units, packages) are checked.
"""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise

from kernel.errors import Fault, Text
from kernel.identifiers import check_country
from kernel.particulars import plain
from workflow.declarations.wco.elements import Place, Report
from workflow.declarations.wco.model import WcoDeclaration, WcoItem
from workflow.declarations.wco.parts import (
    not_a_code,
    present_parties,
    read_authorisation,
    read_charges,
    read_classification,
    read_document,
    read_equipment,
    read_guarantee,
    read_kilograms,
    read_location,
    read_means,
    read_origin,
    read_packaging,
    read_party,
    read_procedures,
    read_routing,
    read_statement,
    read_tax,
)

_TYPE = re.compile(r"(?:IM|EX|CO)[A-Z]?")
_FUNCTION = re.compile(r"[0-9]{1,2}")


def read_declaration(root: Place, envelope: Place) -> WcoDeclaration:
    """Read a whole declaration; faults go into the report of `root`.

    Args:
        root: The element `Declaration`.
        envelope: The element `MetaData` around it, absent where there is none.
    """
    shipment = root.child("GoodsShipment")
    consignment = shipment.child("Consignment")
    security = root.child("Consignment")
    items = tuple(_item(place) for place in shipment.children("GovernmentAgencyGoodsItem"))
    declaration = WcoDeclaration(
        model_version=envelope.text("WCODataModelVersionCode", most=6),
        responsible_country=envelope.text("ResponsibleCountryCode", check=check_country),
        responsible_agency=envelope.text("ResponsibleAgencyName", most=70),
        function=root.text("FunctionCode", check=_check_function, required=True),
        type=root.text("TypeCode", check=_check_type, required=True),
        reference=root.text("FunctionalReferenceID", most=35, required=True),
        number=root.text("ID", most=70),
        office=root.text("DeclarationOfficeID", most=17),
        accepted_at=root.moment("AcceptanceDateTime"),
        items_declared=root.whole("GoodsItemQuantity"),
        invoice=root.amount("InvoiceAmount"),
        invoice_number=shipment.child("Invoice").text("ID", most=70),
        invoiced_at=shipment.child("Invoice").moment("IssueDateTime"),
        gross_kg=read_kilograms(root, "TotalGrossMassMeasure"),
        packages=root.whole("TotalPackageQuantity"),
        declarant=read_party(root.child("Declarant")),
        agent=read_party(root.child("Agent")),
        exporter=read_party(root.child("Exporter")) or read_party(shipment.child("Exporter")),
        importer=read_party(shipment.child("Importer")),
        consignee=read_party(shipment.child("Consignee")),
        consignor=read_party(shipment.child("Consignor")) or read_party(security.child("Consignor")),
        buyer=read_party(shipment.child("Buyer")),
        seller=read_party(shipment.child("Seller")),
        carrier=read_party(security.child("Carrier")),
        tax_parties=tuple(present_parties(shipment.children("DomesticDutyTaxParty"))),
        authorisations=tuple(read_authorisation(p) for p in root.children("AuthorisationHolder")),
        exit_office=root.child("ExitOffice").text("ID", most=17),
        presentation_office=root.child("PresentationOffice").text("ID", most=17),
        supervising_office=root.child("SupervisingOffice").text("ID", most=17),
        border_means=read_means(root.child("BorderTransportMeans")),
        arrival_means=read_means(consignment.child("ArrivalTransportMeans")),
        departure_means=read_means(consignment.child("DepartureTransportMeans")),
        equipment=tuple(read_equipment(p) for p in consignment.children("TransportEquipment")),
        in_containers=consignment.text("ContainerCode", most=1),
        location=read_location(consignment.child("GoodsLocation")),
        location_country=consignment.child("GoodsLocation")
        .child("Address")
        .text("CountryCode", check=check_country),
        routing=read_routing(security),
        export_country=shipment.child("ExportCountry").text("ID", check=check_country),
        destination_country=shipment.child("Destination").text("CountryCode", check=check_country),
        trade_terms=shipment.child("TradeTerms").text("ConditionCode", most=3),
        trade_place=shipment.child("TradeTerms").text("LocationID", most=17)
        or shipment.child("TradeTerms").text("LocationName", most=37),
        transaction_nature=shipment.text("TransactionNatureCode", most=3),
        warehouse=shipment.child("Warehouse").text("ID", most=35),
        warehouse_kind=shipment.child("Warehouse").text("TypeCode", most=3),
        unique_reference=shipment.child("UCR").text("TraderAssignedReferenceID", most=35)
        or shipment.child("UCR").text("ID", most=35),
        charges=read_charges(shipment.child("CustomsValuation")),
        freight=shipment.child("CustomsValuation").amount("FreightChargeAmount"),
        guarantees=tuple(read_guarantee(p) for p in root.children("ObligationGuarantee")),
        documents=tuple(read_document(p) for p in root.children("AdditionalDocument")),
        previous_documents=tuple(read_document(p) for p in shipment.children("PreviousDocument")),
        statements=tuple(read_statement(p) for p in root.children("AdditionalInformation")),
        items=items,
        unread=(),
    )
    _apply_rules(root, declaration)
    return declaration


def _item(place: Place) -> WcoItem:
    commodity = place.child("Commodity")
    measure = commodity.child("GoodsMeasure")
    gross, net = read_kilograms(measure, "GrossMassMeasure"), read_kilograms(measure, "NetNetWeightMeasure")
    if gross is not None and net is not None and net > gross:
        place.report.add(
            measure.child("NetNetWeightMeasure").path,
            "mass.net-above-gross",
            Text(
                f"The net mass {plain(net)} kg is more than the gross mass {plain(gross)} kg.",
                f"净重{plain(net)}千克大于毛重{plain(gross)}千克。",
            ),
            Text("Compare both with the packing list.", "请对照装箱单核对净重和毛重。"),
        )
    valuation = place.child("CustomsValuation")
    # read so that it does not count as unknown; its code says nothing that the filing needs
    place.child("ValuationAdjustment").text("AdditionCode", most=4)
    return WcoItem(
        path=place.path,
        sequence=place.whole("SequenceNumeric", required=True),
        description=commodity.text("Description"),
        classifications=tuple(read_classification(p) for p in commodity.children("Classification")),
        procedures=read_procedures(place),
        origins=tuple(read_origin(p) for p in place.children("Origin")),
        gross_kg=gross,
        net_kg=net,
        quantity=measure.measure("TariffQuantity"),
        packaging=tuple(read_packaging(p) for p in place.children("Packaging")),
        value=commodity.child("InvoiceLine").amount("ItemChargeAmount"),
        statistical_value=place.amount("StatisticalValueAmount"),
        customs_value=place.amount("CustomsValueAmount"),
        valuation_method=valuation.text("MethodCode", most=3),
        charges=read_charges(valuation),
        taxes=tuple(read_tax(p) for p in commodity.children("DutyTaxFee")),
        documents=tuple(read_document(p) for p in place.children("AdditionalDocument")),
        previous_documents=tuple(read_document(p) for p in place.children("PreviousDocument")),
        statements=tuple(read_statement(p) for p in place.children("AdditionalInformation")),
        equipment=tuple(read_equipment(p) for p in commodity.children("TransportEquipment")),
        consignee=read_party(place.child("Consignee")),
        export_country=place.child("ExportCountry").text("ID", check=check_country),
        destination_country=place.child("Destination").text("CountryCode", check=check_country),
        transaction_nature=place.text("TransactionNatureCode", most=3),
    )


# ------------------------------------------------------------------------------------------------------ the rules


def _apply_rules(root: Place, declaration: WcoDeclaration) -> None:
    report, items = root.report, declaration.items
    if not items:
        report.add(
            f"{root.path}/GoodsShipment/GovernmentAgencyGoodsItem",
            "wco.missing",
            Text("The declaration has no goods item.", "报关单没有商品项。"),
            Text("Add at least one.", "请至少填写一项。"),
        )
    if declaration.items_declared is not None and declaration.items_declared != len(items):
        report.add(
            f"{root.path}/GoodsItemQuantity",
            "wco.item-count",
            Text(
                f"{declaration.items_declared} items are announced; {len(items)} are there.",
                f"申报{declaration.items_declared}项，实际{len(items)}项。",
            ),
            Text("Correct the number, or add what is missing.", "请更正项数或补充商品项。"),
        )
    _check_sequence(report, items)
    packages = [
        packaging.count for item in items for packaging in item.packaging if packaging.count is not None
    ]
    _check_total(root, "TotalPackageQuantity", declaration.packages, packages, Text("packages", "件"))
    gross = [item.gross_kg for item in items if item.gross_kg is not None]
    _check_total(root, "TotalGrossMassMeasure", declaration.gross_kg, gross, Text("kg gross", "千克（毛重）"))


def _check_sequence(report: Report, items: tuple[WcoItem, ...]) -> None:
    numbered = [(item.sequence, item.path) for item in items if item.sequence is not None]
    for (before, _), (number, path) in pairwise(numbered):
        if number <= before:
            report.add(
                f"{path}/SequenceNumeric",
                "wco.sequence",
                Text(f"Item {number} follows item {before}.", f"第{before}项之后为第{number}项。"),
                Text("Number the items 1, 2, 3 …", "请按1、2、3……顺序编号。"),
            )


def _check_total(
    root: Place, name: str, total: Decimal | int | None, parts: list[int] | list[Decimal], what: Text
) -> None:
    if total is None or not parts:
        return
    added = sum((Decimal(part) for part in parts), Decimal(0))
    if added != total:
        given = plain(Decimal(total))
        root.report.add(
            f"{root.path}/{name}",
            "wco.total",
            Text(
                f"The total is {given} {what.en}; the items add up to {plain(added)}.",
                f"合计{given}{what.zh}，各项之和为{plain(added)}。",
            ),
            Text("Correct the total or the items.", "请更正合计或各商品项。"),
        )


def _check_type(value: str, field: str) -> list[Fault]:
    if _TYPE.fullmatch(value):
        return []
    return [
        not_a_code(value, field, Text("IM or EX with a letter, such as IMA", "IM或EX加一个字母，例如IMA"))
    ]


def _check_function(value: str, field: str) -> list[Fault]:
    if _FUNCTION.fullmatch(value):
        return []
    return [not_a_code(value, field, Text("9 for an original declaration", "9（原始申报）"))]
