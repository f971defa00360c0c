"""The reader of WCO Data Model declarations: real ones, broken ones, hostile ones."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import Invalid
from workflow.declarations.schemas import Direction, Procedure, SupervisionMode, TransportMode, faults
from workflow.declarations.wco import (
    Limits,
    WcoDeclaration,
    WcoSchemasUnusable,
    element_of,
    raw_content,
    read_wco_declaration,
    to_filing,
)

WCO = Path(os.environ.get("PISTE_WCO_DIR", Path(__file__).resolve().parents[4] / "shared" / "wco"))
needs_wco = pytest.mark.skipif(not WCO.is_dir(), reason="the real declarations are not here")

NOT_LOADED = {
    "TT_EX002a.xml": [("/", "xml.malformed")],
    "TT_EX006a.xml": [
        ("/Declaration/GoodsShipment/Consignee/Address/CountryCode", "identifier.unknown-code"),
        ("/Declaration/Consignment/Itinerary[2]/RoutingCountryCode", "identifier.unknown-code"),
        ("/Declaration/GoodsShipment/Destination/CountryCode", "identifier.unknown-code"),
    ],
    "TT_EX037a.xml": [
        (
            "/Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Origin/CountryCode",
            "identifier.unknown-code",
        ),
        ("/Declaration/GoodsShipment/Destination/CountryCode", "identifier.unknown-code"),
    ],
    "Step1_TT_EX057a.xml": [
        ("/Declaration/GoodsShipment/Consignee/Address/CountryCode", "identifier.unknown-code"),
        ("/Declaration/Consignment/Itinerary[2]/RoutingCountryCode", "identifier.unknown-code"),
        ("/Declaration/GoodsShipment/Destination/CountryCode", "identifier.unknown-code"),
    ],
    "Step1_TT_IM095a.xml": [
        (
            "/Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Origin/CountryCode",
            "identifier.unknown-code",
        ),
        ("/Declaration/BorderTransportMeans/RegistrationNationalityCode", "identifier.unknown-code"),
        (
            "/Declaration/GoodsShipment/Consignment/GoodsLocation/Address/CountryCode",
            "identifier.unknown-code",
        ),
        ("/Declaration/GoodsShipment/ExportCountry/ID", "identifier.unknown-code"),
        ("/Declaration/GoodsShipment/Destination/CountryCode", "identifier.unknown-code"),
    ],
    "Step1_TT_IM124a.xml": [
        (
            "/Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/Classification/ID",
            "identifier.unknown-code",
        )
    ],
}
"""What keeps real declarations from loading: country codes of one service's own (ZF, ZG, ZL, ZN, ZU), a heading that
the Harmonized System 2022 no longer has (9702 00), a comment that does not end."""

PACKAGING = (
    "<Packaging><SequenceNumeric>{}</SequenceNumeric><QuantityQuantity>{}</QuantityQuantity>"
    "<TypeCode>{}</TypeCode></Packaging>"
)
STATEMENT = (
    "<AdditionalInformation><StatementCode>{}</StatementCode>"
    "<StatementDescription>{}</StatementDescription></AdditionalInformation>"
)
LINE = """
    <GovernmentAgencyGoodsItem>
      <SequenceNumeric>{number}</SequenceNumeric>
      <AdditionalDocument>
        <CategoryCode>X</CategoryCode><ID>YQ2034-MC-0118:{number}</ID><TypeCode>MC1</TypeCode>
      </AdditionalDocument>
      <AdditionalDocument><CategoryCode>N</CategoryCode><ID>CT-26-0417</ID><TypeCode>380</TypeCode></AdditionalDocument>
      <Commodity>
        <Description>Photocell timing sensor 光电计时传感器</Description>
        <Classification><ID>91069000</ID><IdentificationTypeCode>TSP</IdentificationTypeCode></Classification>
        <GoodsMeasure>
          <GrossMassMeasure unitCode="KGM">58.0</GrossMassMeasure>
          <NetNetWeightMeasure>48.0</NetNetWeightMeasure>
          <TariffQuantity unitCode="H87">16</TariffQuantity>
        </GoodsMeasure>
        <InvoiceLine><ItemChargeAmount currencyID="CHF">18880.00</ItemChargeAmount></InvoiceLine>
      </Commodity>
      <GovernmentProcedure><CurrentCode>53</CurrentCode><PreviousCode>00</PreviousCode></GovernmentProcedure>
      <GovernmentProcedure><CurrentCode>D12</CurrentCode></GovernmentProcedure>
      <Origin><CountryCode>CH</CountryCode><TypeCode>1</TypeCode></Origin>
      PACKAGING
    </GovernmentAgencyGoodsItem>"""

MESSAGE = (
    """<?xml version="1.0" encoding="UTF-8"?>
<MetaData>
  <WCODataModelVersionCode>3.6</WCODataModelVersionCode>
  <WCOTypeName>DEC</WCOTypeName>
  <ResponsibleCountryCode>CN</ResponsibleCountryCode>
  <Declaration>
    <AcceptanceDateTime><DateTimeString formatCode="304">20260120083000+08</DateTimeString></AcceptanceDateTime>
    <FunctionCode>9</FunctionCode>
    <FunctionalReferenceID>XDT-2034-000118</FunctionalReferenceID>
    <TypeCode>IMA</TypeCode>
    <GoodsItemQuantity>2</GoodsItemQuantity>
    <DeclarationOfficeID>0101</DeclarationOfficeID>
    <InvoiceAmount currencyID="CHF">37760.00</InvoiceAmount>
    <TotalGrossMassMeasure>116</TotalGrossMassMeasure>
    <TotalPackageQuantity>8</TotalPackageQuantity>
    STATEMENTS
    <BorderTransportMeans><RegistrationNationalityCode>CH</RegistrationNationalityCode><ModeCode>4</ModeCode></BorderTransportMeans>
    <Declarant><Name>北京雪道通报关有限公司</Name><ID>91110113MA7E4K21XF</ID></Declarant>
    <GoodsShipment>
      <Consignment>
        <ArrivalTransportMeans><ID>LX196</ID><IdentificationTypeCode>40</IdentificationTypeCode></ArrivalTransportMeans>
        <TransportEquipment><SequenceNumeric>1</SequenceNumeric><ID>CSQU3054383</ID></TransportEquipment>
      </Consignment>
      <Destination><CountryCode>CN</CountryCode></Destination>
      <ExportCountry><ID>CH</ID></ExportCountry>"""
    + LINE.format(number=1)
    + LINE.format(number=2)
    + """
      <Importer><Name>延庆雪车雪橇中心运营有限公司</Name><ID>91110119MA3R5W087A</ID></Importer>
      <PreviousDocument><CategoryCode>Z</CategoryCode><ID>724-62819444</ID><TypeCode>740</TypeCode></PreviousDocument>
      <TradeTerms><ConditionCode>CIP</ConditionCode><LocationID>CNBJS</LocationID></TradeTerms>
    </GoodsShipment>
  </Declaration>
</MetaData>"""
)

MESSAGE = MESSAGE.replace("PACKAGING", PACKAGING.format(1, 4, "CT")).replace(
    "STATEMENTS",
    STATEMENT.format("EVENT", "YQ2034")
    + STATEMENT.format("VENUE", "Yanqing Sliding Centre")
    + STATEMENT.format("SUPERVISION", "2600"),
)
ITEM = "/Declaration/GoodsShipment/GovernmentAgencyGoodsItem"


def edited(*changes: tuple[str, str], message: str = MESSAGE) -> bytes:
    """Give the message with passages replaced, each at its first place."""
    for before, after in changes:
        assert before in message
        message = message.replace(before, after, 1)
    return message.encode()


def found(act: Callable[[], object]) -> list[tuple[str, str]]:
    try:
        act()
    except Invalid as invalid:
        for fault in invalid.found:
            assert fault.message.en
            assert fault.message.zh
            assert fault.next_step.en
            assert fault.next_step.zh
        return [(fault.field, fault.rule) for fault in invalid.found]
    return []


def reading(data: bytes, **options: object) -> list[tuple[str, str]]:
    return found(lambda: read_wco_declaration(data, **options))  # type: ignore[arg-type]  # the options of the reader


def filing(data: bytes) -> list[tuple[str, str]]:
    return found(lambda: to_filing(read_wco_declaration(data)))


# ------------------------------------------------------------------------------------------------ real declarations


@needs_wco
@pytest.mark.parametrize(
    "path", sorted((WCO / "declarations").glob("*.xml")), ids=lambda path: getattr(path, "name", "")
)
def test_each_real_declaration_loads_or_names_what_is_wrong(path: Path) -> None:
    assert reading(path.read_bytes()) == NOT_LOADED.get(path.name, [])


@needs_wco
def test_thirty_real_declarations_load_whole() -> None:
    loaded = [
        read_wco_declaration(path.read_bytes())
        for path in sorted((WCO / "declarations").glob("*.xml"))
        if path.name not in NOT_LOADED
    ]
    assert len(loaded) >= 30
    assert [wco.unread for wco in loaded] == [()] * len(loaded)
    assert {wco.direction for wco in loaded} == {"import", "export"}
    temporary = [wco for wco in loaded if wco.items[0].procedure and wco.items[0].procedure.current == "53"]
    assert len(temporary) == 8


@needs_wco
def test_a_real_declaration_is_read_with_all_its_particulars() -> None:
    wco = read_wco_declaration((WCO / "declarations" / "Step1_TT_IM083a.xml").read_bytes())
    assert (wco.model_version, wco.responsible_country, wco.responsible_agency) == ("3.6", "GB", "HMRC")
    assert (wco.type, wco.direction, wco.items_declared, wco.packages) == ("IMA", "import", 3, 3)
    assert wco.declarant is not None
    assert wco.declarant.identifier == "GB553202734852"
    assert wco.supervising_office == "GBSFY001"
    assert [item.sequence for item in wco.items] == [1, 2, 3]
    guitar = wco.items[0]
    assert guitar.path == f"{ITEM}[1]"
    assert guitar.description == "Electric Guitar in aluminium case"
    assert guitar.classification is not None
    assert guitar.classification.code == "92079010"
    assert [step.current for step in guitar.procedures] == ["53", "D12"]
    assert (guitar.gross_kg, guitar.net_kg) == (Decimal(10), Decimal(8))
    assert guitar.value is not None
    assert (guitar.value.amount, guitar.value.currency) == (Decimal(1000), "GBP")
    assert [tax.method for tax in guitar.taxes] == ["R", "R"]
    assert guitar.packaging[0].marks == "CS-1234228/34"
    assert [document.type for document in guitar.documents] == ["900", "505", "506", "516", "935"]
    assert guitar.statements[2].words == "28 days duration to be re exported on 30112021"
    assert guitar.certificate_links == ()


@needs_wco
def test_a_real_declaration_lacks_what_a_filing_needs() -> None:
    wco = read_wco_declaration((WCO / "declarations" / "Step1_TT_IM083a.xml").read_bytes())
    raw = raw_content(wco)
    assert raw["procedure"] == "53"
    assert [line["hs_code"] for line in raw["lines"]] == ["92079010", "92060000", "92071050"]
    missing = found(lambda: to_filing(wco))
    assert ("/Declaration/DeclarationOfficeID", "field.missing") in missing
    assert ("/Declaration/GoodsShipment/Importer/ID", "field.missing") in missing
    assert (f"{ITEM}[2]/Commodity/GoodsMeasure/TariffQuantity", "field.missing") in missing
    assert (f"{ITEM}[3]/Commodity/GoodsMeasure/TariffQuantity/@unitCode", "field.missing") in missing
    assert (
        "/Declaration/GoodsShipment/Consignment/TransportEquipment/ID",
        "identifier.length",
    ) in missing


@needs_wco
@pytest.mark.parametrize("path", sorted((WCO / "declarations").glob("*.xml")), ids=lambda path: path.name)
def test_real_declarations_are_loaded_without_namespaces_too(path: Path) -> None:
    data = path.read_bytes()
    bare = re.sub(rb"(</?)\w+:", rb"\1", re.sub(rb'\s(xmlns|xsi)[\w:]*="[^"]*"', b"", data))
    assert reading(bare) == NOT_LOADED.get(path.name, [])


@needs_wco
@pytest.mark.parametrize("path", sorted((WCO / "declarations").glob("*.xml")), ids=lambda path: path.name)
def test_real_declarations_agree_with_their_schema(path: Path) -> None:
    folder = WCO / "schemas" / "declaration"
    assert reading(path.read_bytes(), schemas=folder) == NOT_LOADED.get(path.name, [])


@needs_wco
@pytest.mark.parametrize("path", sorted((WCO / "responses").glob("*.xml")), ids=lambda path: path.name)
def test_a_response_is_no_declaration(path: Path) -> None:
    assert reading(path.read_bytes()) == [("/", "wco.no-declaration")]


# ---------------------------------------------------------------------------------------------------- the schemas


@needs_wco
def test_the_schema_names_the_exact_element(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PISTE_WCO_SCHEMAS", str(WCO / "schemas" / "declaration"))
    data = (WCO / "declarations" / "Step1_TT_IM083a.xml").read_bytes()
    second = data.replace(b"<Origin>", b"<Orign>", 2).replace(b"<Orign>", b"<Origin>", 1)
    assert second != data
    broken = second.replace(b"</Origin>", b"</Orign>", 2).replace(b"</Orign>", b"</Origin>", 1)
    assert reading(broken) == [(f"{ITEM}[2]/Orign", "wco.schema")]


@needs_wco
def test_the_schema_speaks_of_the_envelope_too() -> None:
    data = (WCO / "declarations" / "Step1_TT_IM083a.xml").read_bytes()
    broken = data.replace(b"md:WCOTypeName>", b"md:WCOTypeNam>")
    assert broken != data
    [(field, rule)] = reading(broken, schemas=WCO / "schemas" / "declaration")
    assert (field, rule) == ("/MetaData/WCOTypeNam", "wco.schema")


@needs_wco
def test_a_message_without_namespaces_does_not_agree_with_a_schema() -> None:
    [(field, rule)] = reading(MESSAGE.encode(), schemas=WCO / "schemas" / "declaration")
    assert (field, rule) == ("/MetaData", "wco.schema")


def test_a_folder_without_schemas_is_told(tmp_path: Path) -> None:
    with pytest.raises(WcoSchemasUnusable, match="no DocumentMetaData"):
        read_wco_declaration(MESSAGE.encode(), schemas=tmp_path)


def test_schemas_that_do_not_compile_are_told(tmp_path: Path) -> None:
    (tmp_path / "WCO_DEC_1.xsd").write_text("<xs:schema")
    with pytest.raises(WcoSchemasUnusable):
        read_wco_declaration(MESSAGE.encode(), schemas=tmp_path)


# -------------------------------------------------------------------------------------------------------- reading


def test_a_message_is_read() -> None:
    wco = read_wco_declaration(MESSAGE.encode())
    assert wco.accepted_at == datetime(2026, 1, 20, 0, 30, tzinfo=UTC)
    assert wco.office == "0101"
    assert wco.gross_kg == Decimal(116)
    assert wco.arrival_means is not None
    assert wco.arrival_means.identifier == "LX196"
    assert wco.equipment[0].identifier == "CSQU3054383"
    assert wco.items[1].certificate_links[0].identifier == "YQ2034-MC-0118:2"
    assert wco.items[0].quantity is not None
    assert wco.items[0].quantity.unit == "H87"
    assert {document.type for document in wco.all_documents()} == {"MC1", "380", "740"}
    assert wco.unread == ()


def test_a_declaration_without_envelope_is_read() -> None:
    body = MESSAGE[MESSAGE.index("<Declaration>") : MESSAGE.index("</MetaData>")]
    assert read_wco_declaration(body.encode()).model_version is None


def test_a_declaration_in_a_foreign_envelope_is_read() -> None:
    body = MESSAGE[MESSAGE.index("<MetaData>") :]
    wrapped = f'<e:Envelope xmlns:e="urn:e"><e:Body>{body}</e:Body></e:Envelope>'
    assert read_wco_declaration(wrapped.encode()).model_version == "3.6"


def test_a_declaration_in_another_encoding_is_read() -> None:
    data = MESSAGE.replace('encoding="UTF-8"', 'encoding="GB18030"').encode("gb18030")
    wco = read_wco_declaration(data)
    assert wco.declarant is not None
    assert wco.declarant.name == "北京雪道通报关有限公司"


def test_comments_and_instructions_are_passed_over() -> None:
    data = edited(("<TypeCode>IMA", "<?note x?><TypeCode><!-- import -->IMA<!-- a -->"))
    assert read_wco_declaration(data).type == "IMA"


def test_unknown_elements_are_named_and_not_considered() -> None:
    data = edited(
        ("<FunctionCode>", "<Colour>red</Colour><FunctionCode>"),
        ("<Origin>", "<Smell><Kind>sweet</Kind></Smell><Origin>"),
    )
    assert read_wco_declaration(data).unread == ("/Declaration/Colour", f"{ITEM}[1]/Smell")


@pytest.mark.parametrize(
    ("before", "after", "place", "rule"),
    [
        ("<FunctionCode>9</FunctionCode>", "", "/Declaration/FunctionCode", "wco.missing"),
        ("<FunctionCode>9<", "<FunctionCode>original<", "/Declaration/FunctionCode", "wco.code"),
        ("<TypeCode>IMA<", "<TypeCode>XXA<", "/Declaration/TypeCode", "wco.code"),
        ("<TypeCode>IMA<", "<TypeCode> <", "/Declaration/TypeCode", "wco.missing"),
        ("XDT-2034-000118<", "x" * 36 + "<", "/Declaration/FunctionalReferenceID", "wco.length"),
        (
            "<TypeCode>IMA</TypeCode>",
            "<TypeCode><A>IMA</A></TypeCode>",
            "/Declaration/TypeCode",
            "wco.structure",
        ),
        (
            "<FunctionCode>9</FunctionCode>",
            "<FunctionCode>9</FunctionCode><FunctionCode>9</FunctionCode>",
            "/Declaration/FunctionCode[2]",
            "wco.repeated",
        ),
        (
            "<GoodsItemQuantity>2<",
            "<GoodsItemQuantity>3<",
            "/Declaration/GoodsItemQuantity",
            "wco.item-count",
        ),
        ("<GoodsItemQuantity>2<", "<GoodsItemQuantity>two<", "/Declaration/GoodsItemQuantity", "wco.number"),
        ("<GoodsItemQuantity>2<", "<GoodsItemQuantity>-2<", "/Declaration/GoodsItemQuantity", "wco.number"),
        (
            "<TotalPackageQuantity>8<",
            "<TotalPackageQuantity>9<",
            "/Declaration/TotalPackageQuantity",
            "wco.total",
        ),
        ("Measure>116<", "Measure>116.5<", "/Declaration/TotalGrossMassMeasure", "wco.total"),
        ("Measure>116<", "Measure>1,160<", "/Declaration/TotalGrossMassMeasure", "wco.number"),
        ("Measure>116<", "Measure>-116<", "/Declaration/TotalGrossMassMeasure", "wco.number"),
        (
            "<TotalGrossMassMeasure>",
            '<TotalGrossMassMeasure unitCode="TNE">',
            "/Declaration/TotalGrossMassMeasure/@unitCode",
            "wco.unit",
        ),
        (
            'currencyID="CHF">37',
            'currencyID="SFR">37',
            "/Declaration/InvoiceAmount/@currencyID",
            "identifier.unknown-code",
        ),
        (
            "20260120083000+08",
            "20260230083000+08",
            "/Declaration/AcceptanceDateTime/DateTimeString",
            "wco.moment",
        ),
        ("20260120083000+08", "yesterday", "/Declaration/AcceptanceDateTime/DateTimeString", "wco.moment"),
        ("<ModeCode>4<", "<ModeCode>6<", "/Declaration/BorderTransportMeans/ModeCode", "wco.code"),
        (
            "<Destination><CountryCode>CN<",
            "<Destination><CountryCode>PRC<",
            "/Declaration/GoodsShipment/Destination/CountryCode",
            "identifier.unknown-code",
        ),
        (
            "<SequenceNumeric>2</SequenceNumeric>\n      <Add",
            "<SequenceNumeric>1</SequenceNumeric>\n      <Add",
            f"{ITEM}[2]/SequenceNumeric",
            "wco.sequence",
        ),
        (">91069000<", ">91060000<", f"{ITEM}[1]/Commodity/Classification/ID", "identifier.unknown-code"),
        (">48.0<", ">58.1<", f"{ITEM}[1]/Commodity/GoodsMeasure/NetNetWeightMeasure", "mass.net-above-gross"),
        (
            'unitCode="H87"',
            'unitCode="PCS"',
            f"{ITEM}[1]/Commodity/GoodsMeasure/TariffQuantity/@unitCode",
            "identifier.unknown-code",
        ),
        ("<TypeCode>CT<", "<TypeCode>carton<", f"{ITEM}[1]/Packaging/TypeCode", "identifier.unknown-code"),
        (
            "<GovernmentProcedure><CurrentCode>D12</CurrentCode></GovernmentProcedure>",
            "<GovernmentProcedure><CurrentCode>40</CurrentCode></GovernmentProcedure>",
            f"{ITEM}[1]/GovernmentProcedure[2]",
            "wco.procedure",
        ),
        (
            "<CurrentCode>53</CurrentCode><PreviousCode>00</PreviousCode>",
            "<CurrentCode>5300</CurrentCode>",
            f"{ITEM}[1]/GovernmentProcedure",
            "wco.procedure",
        ),
    ],
)
def test_each_rule_names_the_exact_element(before: str, after: str, place: str, rule: str) -> None:
    assert reading(edited((before, after))) == [(place, rule)]


def test_all_faults_are_named_at_once() -> None:
    data = edited(
        ("<TypeCode>IMA<", "<TypeCode>XXA<"),
        ("<ModeCode>4<", "<ModeCode>6<"),
        (">48.0<", ">58.1<"),
        (">91069000<", ">91060000<"),
    )
    assert {rule for _, rule in reading(data)} == {
        "wco.code",
        "mass.net-above-gross",
        "identifier.unknown-code",
    }
    assert len(reading(data)) == 4


def test_a_declaration_without_goods_is_refused() -> None:
    start, end = MESSAGE.index("    <GovernmentAgencyGoodsItem>"), MESSAGE.index("      <Importer>")
    data = (MESSAGE[:start] + MESSAGE[end:]).encode()
    assert reading(data) == [
        (ITEM, "wco.missing"),
        ("/Declaration/GoodsItemQuantity", "wco.item-count"),
    ]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20260120", datetime(2026, 1, 20, tzinfo=UTC)),
        ("202601200830", datetime(2026, 1, 20, 8, 30, tzinfo=UTC)),
        ("20260120083015Z", datetime(2026, 1, 20, 8, 30, 15, tzinfo=UTC)),
        ("20260120083000-05:30", datetime(2026, 1, 20, 14, 0, tzinfo=UTC)),
        ("20260120003000+0530", datetime(2026, 1, 19, 19, 0, tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_their_formats(text: str, moment: datetime) -> None:
    assert read_wco_declaration(edited(("20260120083000+08", text))).accepted_at == moment


def test_a_national_qualifier_follows_the_unit() -> None:
    data = edited(
        (
            "<TypeCode>MC1</TypeCode>",
            '<TypeCode>MC1</TypeCode><WriteOff><QuantityQuantity unitCode="KGM#G">4</QuantityQuantity></WriteOff>',
        )
    )
    write_off = read_wco_declaration(data).items[0].documents[0].write_off
    assert write_off is not None
    assert (write_off.quantity, write_off.unit, write_off.qualifier) == (Decimal(4), "KGM", "G")


# -------------------------------------------------------------------------------------------------- hostile messages

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 13))
    + "]><Declaration><TypeCode>&l12;</TypeCode></Declaration>"
)


@pytest.mark.parametrize(
    "document",
    [
        BOMB,
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Declaration><TypeCode>&x;</TypeCode></Declaration>',
        '<!DOCTYPE Declaration SYSTEM "file:///etc/passwd"><Declaration/>',
        '<!DOCTYPE a PUBLIC "-//A//B" "http://127.0.0.1:9/x.dtd"><Declaration/>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;]><Declaration/>',
        '<!DOCTYPE a [<!ENTITY x "yy">]><Declaration TypeCode="&x;"/>',
        '<!DOCTYPE a [<!ATTLIST Declaration x CDATA "y">]><Declaration/>',
        "<!-- a --><!DOCTYPE a><Declaration/>",
    ],
    ids=["bomb", "external entity", "external subset", "public", "parameter", "attribute", "default", "bare"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_is_refused_before_anything_in_it_is_read(document: str, encoding: str) -> None:
    text = document.removeprefix('<?xml version="1.0"?>')
    begun = time.monotonic()
    assert reading(text.encode(encoding)) == [("/", "xml.doctype")]
    assert time.monotonic() - begun < 1


def test_the_word_doctype_alone_is_no_doctype() -> None:
    data = edited(("Yanqing Sliding Centre", "<![CDATA[<!DOCTYPE a>]]>"))
    assert read_wco_declaration(data).statements[1].words == "<!DOCTYPE a>"


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b"", 1, 1),
        (b"   ", 1, 4),
        (b"PK\x03\x04", 1, 1),
        (b"\x00\x01\x02", 1, 1),
        (b"<Declaration>\n  <A>\n</Declaration>", 3, 15),
        (b"<Declaration>&nothing;</Declaration>", 1, 23),
        (b"<a>\xff\xfe</a>", 1, 4),
        (b"<a/><b/>", 1, 5),
        (b'<a x="1" x="2"/>', 1, 15),
    ],
)
def test_what_is_not_well_formed_is_told_with_line_and_column(data: bytes, line: int, column: int) -> None:
    with pytest.raises(Invalid) as refused:
        read_wco_declaration(data)
    [fault] = refused.value.found
    assert (fault.field, fault.rule) == ("/", "xml.malformed")
    assert f"line {line}, column " in fault.message.en
    told = int(re.findall(r"column (\d+)", fault.message.en)[0])
    assert abs(told - column) <= 8, fault.message.en
    assert f"第{line}行第{told}列" in fault.message.zh


def test_a_document_that_is_too_large_is_not_read() -> None:
    assert reading(b"<a>", limits=Limits(most_bytes=2)) == [("/", "xml.too-large")]
    assert reading(MESSAGE.encode() + b" " * 3_000_000) == [("/", "xml.too-large")]


def test_a_document_that_is_too_deep_is_not_read() -> None:
    assert reading(b"<a>" * 33 + b"</a>" * 33) == [("/", "xml.too-deep")]
    assert reading(b"<a>" * 32 + b"</a>" * 32) == [("/", "wco.no-declaration")]


def test_a_document_with_too_many_elements_is_not_read() -> None:
    assert reading(b"<a>" + b"<b/>" * 100_000 + b"</a>") == [("/", "xml.too-many-elements")]


@pytest.mark.parametrize(
    "document", ["<Response/>", "<MetaData><Response/></MetaData>", "<MetaData/>", "<html/>"]
)
def test_what_holds_no_declaration_is_told(document: str) -> None:
    assert reading(document.encode()) == [("/", "wco.no-declaration")]


def test_a_message_has_one_declaration() -> None:
    document = b"<MetaData><Declaration/><Declaration/></MetaData>"
    assert reading(document) == [("/MetaData/Declaration[2]", "wco.repeated")]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    assert reading(data) != []


@settings(deadline=None)
@given(st.integers(0, len(MESSAGE) - 1), st.sampled_from("<>&\"' /x9\u0000报"))
def test_no_changed_character_makes_the_reader_fail(place: int, other: str) -> None:
    reading((MESSAGE[:place] + other + MESSAGE[place + 1 :]).encode())


# --------------------------------------------------------------------------------------------------------- filing


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("/lines/1/quantity", f"{ITEM}[2]/Commodity/GoodsMeasure/TariffQuantity"),
        ("/lines/0/certificate_number", f"{ITEM}[1]/AdditionalDocument[1]/ID"),
        ("/lines/0/something", f"{ITEM}[1]"),
        ("/office", "/Declaration/DeclarationOfficeID"),
        ("/something", "/Declaration"),
        ("", "/Declaration"),
    ],
)
def test_the_element_behind_a_field_can_be_asked_for(pointer: str, place: str) -> None:
    assert element_of(read_wco_declaration(MESSAGE.encode()), pointer) == place


@pytest.fixture
def wco() -> WcoDeclaration:
    return read_wco_declaration(MESSAGE.encode())


def test_a_message_becomes_a_filing(wco: WcoDeclaration) -> None:
    content = to_filing(wco)
    assert content.reference == "XDT-2034-000118"
    assert (content.direction, content.procedure) == (Direction.IMPORT, Procedure.TEMPORARY_ADMISSION)
    assert content.previous_procedure == "00"
    assert content.supervision_mode is SupervisionMode.TEMPORARY
    assert (content.event, content.venue) == ("YQ2034", "Yanqing Sliding Centre")
    assert (content.declarant, content.holder) == ("91110113MA7E4K21XF", "91110119MA3R5W087A")
    assert (content.transport.mode, content.transport.means) == (TransportMode.AIR, "LX196")
    assert content.transport.containers == ("CSQU3054383",)
    assert content.transport.document is not None
    assert content.transport.document.number == "724-62819444"
    assert (content.total_packages, content.gross_kg, content.total_value) == (
        8,
        Decimal(116),
        Decimal(37760),
    )
    assert [(paper.kind, paper.number) for paper in content.documents] == [("invoice", "CT-26-0417")]
    second = content.lines[1]
    assert (second.certificate_number, second.certificate_line) == ("YQ2034-MC-0118", 2)
    assert (second.quantity, second.unit, second.packages, second.package_kind) == (
        Decimal(16),
        "H87",
        4,
        "CT",
    )
    assert second.name_zh == "Photocell timing sensor 光电计时传感器"
    assert faults(raw_content(wco)) == []


def test_totals_come_from_the_items_where_the_message_has_none() -> None:
    data = edited(
        ('<InvoiceAmount currencyID="CHF">37760.00</InvoiceAmount>', ""),
        ("<TotalGrossMassMeasure>116</TotalGrossMassMeasure>", ""),
        ("<TotalPackageQuantity>8</TotalPackageQuantity>", ""),
    )
    content = to_filing(read_wco_declaration(data))
    assert (content.total_packages, content.gross_kg, content.currency) == (8, Decimal(116), "CHF")
    assert content.total_value == Decimal(37760)


def test_items_in_several_currencies_need_an_invoice_total() -> None:
    data = edited(
        ('<InvoiceAmount currencyID="CHF">37760.00</InvoiceAmount>', ""),
        ('currencyID="CHF"', 'currencyID="EUR"'),
    )
    assert filing(data) == [
        ("/Declaration/InvoiceAmount/@currencyID", "field.missing"),
        ("/Declaration/InvoiceAmount", "field.missing"),
    ]


def test_what_the_sender_is_known_for_fills_what_the_message_leaves_out() -> None:
    data = edited(("<Name>北京雪道通报关有限公司</Name>", ""), (">VENUE<", ">NOTE<"))
    wco = read_wco_declaration(data)
    assert found(lambda: to_filing(wco)) == [
        (
            "/Declaration/AdditionalInformation[StatementCode='VENUE']/StatementDescription",
            "field.missing",
        ),
        ("/Declaration/Declarant/Name", "field.missing"),
    ]
    content = to_filing(wco, {"declarant_name": "北京雪道通", "venue": "Big Air", "event": "ignored"})
    assert (content.declarant_name, content.venue, content.event) == ("北京雪道通", "Big Air", "YQ2034")


def test_an_export_has_its_exporter_as_holder() -> None:
    importer = MESSAGE[MESSAGE.index("      <Importer>") : MESSAGE.index("      <PreviousDocument>")]
    exporter = importer.replace("Importer", "Exporter")
    message = MESSAGE.replace(importer, "").replace(
        "    <GoodsShipment>\n", exporter + "    <GoodsShipment>\n"
    )
    message = message.replace("<CurrentCode>53<", "<CurrentCode>31<").replace(
        "<PreviousCode>00<", "<PreviousCode>53<"
    )
    message = message.replace("ArrivalTransportMeans", "DepartureTransportMeans").replace(">IMA<", ">EXA<")
    content = to_filing(read_wco_declaration(message.encode()))
    assert (content.direction, content.procedure) == (Direction.EXPORT, Procedure.RE_EXPORT)
    assert content.holder == "91110119MA3R5W087A"
    assert content.transport.means == "LX196"


@pytest.mark.parametrize(
    ("kind", "identifier", "field", "mode"),
    [
        ("10", "9319466", "ship", "1"),
        ("30", "京A·T3517", "vehicle_plate", "3"),
        ("11", "Wayfarer", "means", "1"),
    ],
)
def test_means_of_transport_are_told_apart(kind: str, identifier: str, field: str, mode: str) -> None:
    data = edited(
        (
            "<ID>LX196</ID><IdentificationTypeCode>40<",
            f"<ID>{identifier}</ID><IdentificationTypeCode>{kind}<",
        ),
        ("<ModeCode>4<", f"<ModeCode>{mode}<"),
    )
    assert getattr(to_filing(read_wco_declaration(data)).transport, field) == identifier


@pytest.mark.parametrize(
    ("before", "after", "place", "rule"),
    [
        ("<FunctionCode>9<", "<FunctionCode>13<", "/Declaration/FunctionCode", "filing.function"),
        ("<TypeCode>IMA<", "<TypeCode>COA<", "/Declaration/TypeCode", "field.missing"),
        ("ID>0101<", "ID>GB000060<", "/Declaration/DeclarationOfficeID", "identifier.format"),
        ("91110113MA7E4K21XF", "91110113MA7E4K21XG", "/Declaration/Declarant/ID", "identifier.check-digit"),
        (
            "91110119MA3R5W087A",
            "91110119MA3R5W087B",
            "/Declaration/GoodsShipment/Importer/ID",
            "identifier.check-digit",
        ),
        (
            ">2600<",
            ">9999<",
            "/Declaration/AdditionalInformation[3]/StatementDescription",
            "field.choice",
        ),
        (
            "CSQU3054383",
            "CSQU3054384",
            "/Declaration/GoodsShipment/Consignment/TransportEquipment/ID",
            "identifier.check-digit",
        ),
        (
            "724-62819444",
            "724-62819445",
            "/Declaration/GoodsShipment/PreviousDocument/ID",
            "identifier.check-digit",
        ),
        ("<ModeCode>4<", "<ModeCode>9<", "/Declaration/BorderTransportMeans/ModeCode", "field.missing"),
        (
            "YQ2034-MC-0118:1<",
            "YQ2034-MC-0118<",
            f"{ITEM}[1]/AdditionalDocument[1]/ID",
            "filing.certificate-link",
        ),
        (
            ' unitCode="H87"',
            "",
            f"{ITEM}[1]/Commodity/GoodsMeasure/TariffQuantity/@unitCode",
            "field.missing",
        ),
        (
            "<TariffQuantity",
            "<SupplementaryQuantity",
            f"{ITEM}[1]/Commodity/GoodsMeasure/TariffQuantity",
            "field.missing",
        ),
        (
            "<Origin><CountryCode>CH</CountryCode><TypeCode>1</TypeCode></Origin>",
            "",
            f"{ITEM}[1]/Origin/CountryCode",
            "field.missing",
        ),
        (
            PACKAGING.format(1, 4, "CT"),
            PACKAGING.format(1, 3, "CT") + PACKAGING.format(2, 1, "BX"),
            f"{ITEM}[1]/Packaging[2]/TypeCode",
            "filing.package-kinds",
        ),
    ],
)
def test_each_fault_of_a_filing_is_named_at_its_element(
    before: str, after: str, place: str, rule: str
) -> None:
    message = MESSAGE
    if "SupplementaryQuantity" in after:
        message = message.replace("</TariffQuantity>", "</SupplementaryQuantity>", 1)
    assert (place, rule) in filing(edited((before, after), message=message))


def test_goods_without_a_certificate_are_named_by_item() -> None:
    data = edited(("<TypeCode>MC1<", "<TypeCode>MC2<"))
    assert filing(data) == [(f"{ITEM}[1]/AdditionalDocument", "field.required")]


def test_general_trade_needs_no_certificate() -> None:
    data = edited(
        ("<TypeCode>MC1<", "<TypeCode>MC2<"),
        (">2600<", ">0110<"),
    )
    content = to_filing(read_wco_declaration(data))
    assert [line.certificate_number for line in content.lines] == [None, "YQ2034-MC-0118"]


def test_an_item_draws_on_one_certificate_line() -> None:
    data = edited(
        (
            "<CategoryCode>N</CategoryCode><ID>CT-26-0417</ID><TypeCode>380<",
            "<CategoryCode>X</CategoryCode><ID>A-0001:1</ID><TypeCode>MC1<",
        )
    )
    assert filing(data) == [(f"{ITEM}[1]/AdditionalDocument[2]", "filing.certificate-link")]


def test_items_share_one_procedure() -> None:
    head, _, tail = MESSAGE.rpartition("<CurrentCode>53<")
    data = f"{head}<CurrentCode>40<{tail}".encode()
    assert filing(data) == [(f"{ITEM}[2]/GovernmentProcedure[1]/CurrentCode", "filing.procedure-differs")]


def test_faults_of_several_containers_are_told_apart() -> None:
    second = (
        "<TransportEquipment><SequenceNumeric>2</SequenceNumeric><ID>TASU1170001</ID></TransportEquipment>"
    )
    data = edited(("</TransportEquipment>", f"</TransportEquipment>{second}"))
    place = "/Declaration/GoodsShipment/Consignment/TransportEquipment[2]/ID"
    assert filing(data) == [(place, "identifier.check-digit")]


EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").glob("*/declaration*.xml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_example_declarations_can_be_filed_as_they_are(path: Path) -> None:
    wco = read_wco_declaration(path.read_bytes())
    assert wco.unread == ()
    assert to_filing(wco).lines[0].certificate_line is not None
