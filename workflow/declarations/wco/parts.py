"""The parts of a declaration that occur in several places: parties, means of transport, documents, packages."""

from __future__ import annotations

from decimal import Decimal

from kernel.errors import Fault, Text
from kernel.identifiers import check_country, check_hs, check_package
from workflow.declarations.wco.elements import Place
from workflow.declarations.wco.model import (
    WcoAuthorisation,
    WcoCharge,
    WcoClassification,
    WcoDocument,
    WcoEquipment,
    WcoGuarantee,
    WcoMeans,
    WcoOrigin,
    WcoPackaging,
    WcoParty,
    WcoProcedure,
    WcoStatement,
    WcoTax,
)

TARIFF_LISTS = frozenset({None, "HS", "TSP"})
"""Classification lists whose codes begin with the Harmonized System."""
TRANSPORT_MODES = frozenset("12345789")


def read_kilograms(place: Place, name: str) -> Decimal | None:
    """Read a mass; one that is stated in another unit than kilograms is a fault."""
    measure = place.measure(name)
    if measure is None:
        return None
    if measure.unit not in {None, "KGM"}:
        place.report.add(
            f"{place.child(name).path}/@unitCode",
            "wco.unit",
            Text(
                f"A mass is stated in kilograms (KGM), not in {measure.unit}.",
                f"质量单位应为千克（KGM），而非{measure.unit}。",
            ),
            Text("Convert it.", "请换算后填写。"),
        )
        return None
    return measure.quantity


def read_party(place: Place) -> WcoParty | None:
    """Read a party with its address; None where the element is absent."""
    if not place.there:
        return None
    address = place.child("Address")
    for contact in (place.child("Contact"), place.child("Communication")):
        for name in ("Name", "ID", "TypeCode"):
            contact.text(name)
    address.text("TypeCode")
    return WcoParty(
        path=place.path,
        name=place.text("Name", most=70),
        identifier=place.text("ID", most=35),
        country=address.text("CountryCode", check=check_country),
        city=address.text("CityName", most=35),
        street=address.text("Line", most=70),
        postcode=address.text("PostcodeID", most=9),
        role=place.text("RoleCode", most=3) or place.text("FunctionCode", most=3),
    )


def present_parties(places: list[Place]) -> list[WcoParty]:
    """Read the parties that are there."""
    return [party for place in places if (party := read_party(place)) is not None]


def read_means(place: Place) -> WcoMeans | None:
    """Read a means of transport; None where the element is absent."""
    if not place.there:
        return None
    return WcoMeans(
        path=place.path,
        identifier=place.text("ID", most=35),
        identifier_type=place.text("IdentificationTypeCode", most=17),
        name=place.text("Name", most=35),
        mode=place.text("ModeCode", check=_check_mode),
        nationality=place.text("RegistrationNationalityCode", check=check_country),
    )


def read_equipment(place: Place) -> WcoEquipment:
    """Read transport equipment with its seals."""
    place.whole("SequenceNumeric")
    seals = []
    for seal in place.children("Seal"):
        seal.whole("SequenceNumeric")
        seals.append(seal.text("ID", most=20))
    return WcoEquipment(
        path=place.path,
        identifier=place.text("ID", most=17),
        seals=tuple(seal for seal in seals if seal is not None),
    )


def read_location(place: Place) -> str | None:
    """Read where the goods may be examined."""
    for name in ("TypeCode", "ID"):
        place.text(name)
    place.child("Address").text("TypeCode")
    return place.text("Name", most=35)


def read_routing(place: Place) -> tuple[str, ...]:
    """Read the countries that the goods pass."""
    place.child("Freight").text("PaymentMethodCode")
    countries = []
    for stop in place.children("Itinerary"):
        stop.whole("SequenceNumeric")
        countries.append(stop.text("RoutingCountryCode", check=check_country))
    return tuple(country for country in countries if country is not None)


def read_document(place: Place) -> WcoDocument:
    """Read an additional or a previous document."""
    return WcoDocument(
        path=place.path,
        category=place.text("CategoryCode", most=3),
        type=place.text("TypeCode", most=4),
        identifier=place.text("ID", most=70),
        name=place.text("Name", most=70),
        exemption=place.text("LPCOExemptionCode", most=3),
        line=place.whole("LineNumeric"),
        write_off=place.child("WriteOff").measure("QuantityQuantity"),
    )


def read_statement(place: Place) -> WcoStatement:
    """Read additional information."""
    place.text("StatementTypeCode")
    return WcoStatement(
        path=place.path,
        code=place.text("StatementCode", most=17),
        words=place.text("StatementDescription"),
    )


def read_authorisation(place: Place) -> WcoAuthorisation:
    """Read an authorisation."""
    return WcoAuthorisation(
        path=place.path, holder=place.text("ID", most=35), category=place.text("CategoryCode", most=4)
    )


def read_guarantee(place: Place) -> WcoGuarantee:
    """Read a guarantee."""
    return WcoGuarantee(
        path=place.path,
        identifier=place.text("ID", most=70),
        reference=place.text("ReferenceID", most=35),
        kind=place.text("SecurityDetailsCode", most=3),
    )


def read_packaging(place: Place) -> WcoPackaging:
    """Read packages of one kind."""
    place.whole("SequenceNumeric", required=True)
    return WcoPackaging(
        path=place.path,
        count=place.whole("QuantityQuantity"),
        kind=place.text("TypeCode", check=check_package),
        marks=place.text("MarksNumbersID"),
    )


def read_classification(place: Place) -> WcoClassification:
    """Read a code for the goods; one that begins with the Harmonized System is checked."""
    of_list = place.text("IdentificationTypeCode", most=3)
    check = check_hs if of_list in TARIFF_LISTS else None
    return WcoClassification(path=place.path, code=place.text("ID", most=18, check=check), list=of_list)


def read_origin(place: Place) -> WcoOrigin:
    """Read where goods come from."""
    return WcoOrigin(
        path=place.path,
        country=place.text("CountryCode", check=check_country),
        type=place.text("TypeCode", most=3),
    )


def read_tax(place: Place) -> WcoTax:
    """Read a duty or tax line."""
    payment = place.child("Payment")
    assessed = payment.amount("TaxAssessedAmount")
    return WcoTax(
        path=place.path,
        type=place.text("TypeCode", most=3),
        regime=place.text("DutyRegimeCode", most=3),
        method=payment.text("MethodCode", most=3),
        quota=place.text("QuotaOrderID", most=6),
        base=place.measure("SpecificTaxBaseQuantity", national_units=True),
        payable=payment.amount("PaymentAmount") or assessed,
    )


def read_charges(valuation: Place) -> tuple[WcoCharge, ...]:
    """Read additions to, and deductions from, the value."""
    return tuple(
        WcoCharge(
            path=p.path, type=p.text("ChargesTypeCode", most=3), amount=p.amount("OtherChargeDeductionAmount")
        )
        for p in valuation.children("ChargeDeduction")
    )


def read_procedures(place: Place) -> tuple[WcoProcedure, ...]:
    """Read the procedures of an item; exactly one of them is what the goods are entered for."""
    procedures = tuple(
        WcoProcedure(
            path=p.path, current=p.text("CurrentCode", most=7), previous=p.text("PreviousCode", most=7)
        )
        for p in place.children("GovernmentProcedure")
    )
    main = [p for p in procedures if p.is_main]
    if len(main) != 1:
        place.report.add(
            main[1].path if main else f"{place.path}/GovernmentProcedure",
            "wco.procedure",
            Text(
                f"{len(main)} requested procedures are given; an item has exactly one.",
                f"填写了{len(main)}个申请程序，每项商品应有且仅有一个。",
            ),
            Text(
                "Give one CurrentCode of two digits with its PreviousCode, for example 53 and 00.",
                "请填写一组两位CurrentCode与PreviousCode，例如53和00。",
            ),
        )
    return procedures


def _check_mode(value: str, field: str) -> list[Fault]:
    if value in TRANSPORT_MODES:
        return []
    wanted = Text("one of 1 2 3 4 5 7 8 9 (UNECE Rec 19)", "1、2、3、4、5、7、8、9之一（UNECE第19号建议书）")
    return [not_a_code(value, field, wanted)]


def not_a_code(value: str, field: str, wanted: Text) -> Fault:
    """Give the fault of a value that is not in its code list."""
    return Fault(
        field=field,
        rule="wco.code",
        message=Text(f"{value[:60]} is not a code of this list.", f"{value[:60]}不是有效代码。"),
        next_step=Text(f"Give {wanted.en}.", f"请填写{wanted.zh}。"),
    )
