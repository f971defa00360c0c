"""A declaration as it came in: JSON, or the XML of the WCO Data Model, whose elements name the faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from api.foundation.refusals import MalformedRequest
from kernel.errors import Fault, Invalid
from kernel.particulars import document_of
from workflow.declarations.wco import WcoDeclaration, element_of, read_wco_declaration, to_filing

XML = "application/xml"
_XML_TYPES = frozenset({XML, "text/xml"})
XML_EXAMPLE = """\
<MetaData>
  <WCODataModelVersionCode>3.6</WCODataModelVersionCode>
  <Declaration>
    <FunctionCode>9</FunctionCode>
    <FunctionalReferenceID>NW-2026-00032</FunctionalReferenceID>
    <TypeCode>IMA</TypeCode>
    <DeclarationOfficeID>0101</DeclarationOfficeID>
    <InvoiceAmount currencyID="EUR">1000</InvoiceAmount>
    <TotalGrossMassMeasure unitCode="KGM">60</TotalGrossMassMeasure>
    <TotalPackageQuantity>1</TotalPackageQuantity>
    <AdditionalInformation>
      <StatementCode>EVENT</StatementCode>
      <StatementDescription>milano-cortina-2026</StatementDescription>
    </AdditionalInformation>
    <AdditionalInformation>
      <StatementCode>VENUE</StatementCode>
      <StatementDescription>Sliding Centre</StatementDescription>
    </AdditionalInformation>
    <AdditionalInformation>
      <StatementCode>SUPERVISION</StatementCode>
      <StatementDescription>2600</StatementDescription>
    </AdditionalInformation>
    <BorderTransportMeans><ModeCode>3</ModeCode></BorderTransportMeans>
    <Declarant><Name>Nordwind Zollservice GmbH</Name><ID>DE:HRB12345</ID></Declarant>
    <GoodsShipment>
      <Importer><Name>Alpine Timing AG</Name><ID>CH:CHE-123456789</ID></Importer>
      <GovernmentAgencyGoodsItem>
        <SequenceNumeric>1</SequenceNumeric>
        <AdditionalDocument>
          <CategoryCode>X</CategoryCode>
          <ID>MCO26-0417:1</ID>
          <TypeCode>MC1</TypeCode>
        </AdditionalDocument>
        <Commodity>
          <Description>Timing equipment</Description>
          <Classification>
            <ID>910690</ID>
            <IdentificationTypeCode>HS</IdentificationTypeCode>
          </Classification>
          <GoodsMeasure>
            <GrossMassMeasure unitCode="KGM">60</GrossMassMeasure>
            <NetNetWeightMeasure unitCode="KGM">50</NetNetWeightMeasure>
            <TariffQuantity unitCode="H87">4</TariffQuantity>
          </GoodsMeasure>
          <InvoiceLine><ItemChargeAmount currencyID="EUR">1000</ItemChargeAmount></InvoiceLine>
        </Commodity>
        <GovernmentProcedure><CurrentCode>53</CurrentCode></GovernmentProcedure>
        <Origin><CountryCode>CH</CountryCode></Origin>
        <Packaging>
          <SequenceNumeric>1</SequenceNumeric>
          <QuantityQuantity>1</QuantityQuantity>
          <TypeCode>CT</TypeCode>
        </Packaging>
      </GovernmentAgencyGoodsItem>
    </GoodsShipment>
  </Declaration>
</MetaData>
"""


@dataclass(frozen=True)
class Declared:
    """What a broker declares."""

    content: object
    """As the process reads it."""
    source: bytes | None = None
    """The XML that it was read from."""
    message: WcoDeclaration | None = None

    @contextmanager
    def faults_named(self) -> Iterator[None]:
        """Name the faults that the process finds at the elements that they come from."""
        try:
            yield
        except Invalid as invalid:
            if self.message is None:
                raise
            raise Invalid(found=tuple(self._at_element(fault) for fault in invalid.found)) from None

    def _at_element(self, fault: Fault) -> Fault:
        if self.message is None or fault.field.startswith("/Declaration"):
            return fault
        return fault.at(element_of(self.message, fault.field))


def read_declared(content_type: str, body: object) -> Declared:
    """Read a body by its type.

    Args:
        content_type: The header.
        body: JSON as it was read, or bytes of anything else.

    Raises:
        Invalid: The XML has faults; each names its element, all at once.
        MalformedRequest: It is neither JSON nor XML.
    """
    if not isinstance(body, bytes):
        return Declared(body)
    if content_type.partition(";")[0].strip().lower() not in _XML_TYPES:
        raise MalformedRequest(fault="Content-Type: application/json | application/xml")
    message = read_wco_declaration(body)
    return Declared(document_of(to_filing(message)), body, message)
