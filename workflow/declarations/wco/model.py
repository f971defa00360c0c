"""A declaration of the WCO Data Model 3.6 as it was read: what the file says, typed, and where.

`path` is the XPath-like place from `/Declaration`, with a position where the element has siblings of its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

CERTIFICATE_CATEGORY, CERTIFICATE_TYPE = "X", "MC1"
"""AdditionalDocument that links an item with a certificate line; its ID is `<certificate number>:<line>`."""


@dataclass(frozen=True, kw_only=True)
class WcoAmount:
    """Money as the file states it."""

    amount: Decimal
    currency: str | None


@dataclass(frozen=True, kw_only=True)
class WcoMeasure:
    """A quantity as the file states it."""

    quantity: Decimal
    unit: str | None
    """UNECE Rec 20."""
    qualifier: str | None = None
    """National addition to the unit, for example `G` in `KGM#G`."""


@dataclass(frozen=True, kw_only=True)
class WcoParty:
    """A party, by identification, by name and address, or both."""

    path: str
    name: str | None
    identifier: str | None
    country: str | None
    city: str | None
    street: str | None
    postcode: str | None
    role: str | None = None


@dataclass(frozen=True, kw_only=True)
class WcoMeans:
    """A means of transport."""

    path: str
    identifier: str | None
    identifier_type: str | None
    """10 IMO number, 11 ship's name, 30 road vehicle, 40 flight, 41 aircraft …"""
    name: str | None
    mode: str | None
    """UNECE Rec 19: 1 sea, 2 rail, 3 road, 4 air, 5 post, 7 fixed, 8 inland water."""
    nationality: str | None


@dataclass(frozen=True, kw_only=True)
class WcoEquipment:
    """A container or other transport equipment with its seals."""

    path: str
    identifier: str | None
    seals: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WcoDocument:
    """An additional document, or a previous one."""

    path: str
    category: str | None
    type: str | None
    identifier: str | None
    name: str | None = None
    exemption: str | None = None
    line: int | None = None
    write_off: WcoMeasure | None = None


@dataclass(frozen=True, kw_only=True)
class WcoStatement:
    """Additional information: a code with words."""

    path: str
    code: str | None
    words: str | None


@dataclass(frozen=True, kw_only=True)
class WcoAuthorisation:
    """An authorisation that is made use of."""

    path: str
    holder: str | None
    category: str | None


@dataclass(frozen=True, kw_only=True)
class WcoGuarantee:
    """A guarantee."""

    path: str
    identifier: str | None
    reference: str | None
    kind: str | None


@dataclass(frozen=True, kw_only=True)
class WcoPackaging:
    """Packages of one kind."""

    path: str
    count: int | None
    kind: str | None
    marks: str | None


@dataclass(frozen=True, kw_only=True)
class WcoClassification:
    """A code for the goods, by its list: TSP tariff, TRC and TRA additions, GN national."""

    path: str
    code: str | None
    list: str | None


@dataclass(frozen=True, kw_only=True)
class WcoProcedure:
    """A requested procedure with the one before it, or an additional procedure without."""

    path: str
    current: str | None
    previous: str | None

    @property
    def is_main(self) -> bool:
        """Whether it is what the goods are entered for: two digits."""
        return self.current is not None and len(self.current) == len("53") and self.current.isdigit()


@dataclass(frozen=True, kw_only=True)
class WcoTax:
    """A duty or tax line."""

    path: str
    type: str | None
    regime: str | None
    method: str | None
    quota: str | None
    base: WcoMeasure | None
    payable: WcoAmount | None


@dataclass(frozen=True, kw_only=True)
class WcoCharge:
    """An addition to, or deduction from, the value."""

    path: str
    type: str | None
    amount: WcoAmount | None


@dataclass(frozen=True, kw_only=True)
class WcoOrigin:
    """Where goods come from; type 1 non-preferential, 2 preferential."""

    path: str
    country: str | None
    type: str | None


@dataclass(frozen=True, kw_only=True)
class WcoItem:
    """One goods item."""

    path: str
    sequence: int | None
    description: str | None
    classifications: tuple[WcoClassification, ...]
    procedures: tuple[WcoProcedure, ...]
    origins: tuple[WcoOrigin, ...]
    gross_kg: Decimal | None
    net_kg: Decimal | None
    quantity: WcoMeasure | None
    """Tariff quantity."""
    packaging: tuple[WcoPackaging, ...]
    value: WcoAmount | None
    """Invoice line charge."""
    statistical_value: WcoAmount | None
    customs_value: WcoAmount | None
    valuation_method: str | None
    charges: tuple[WcoCharge, ...]
    taxes: tuple[WcoTax, ...]
    documents: tuple[WcoDocument, ...]
    previous_documents: tuple[WcoDocument, ...]
    statements: tuple[WcoStatement, ...]
    equipment: tuple[WcoEquipment, ...]
    consignee: WcoParty | None
    export_country: str | None
    destination_country: str | None
    transaction_nature: str | None

    @property
    def classification(self) -> WcoClassification | None:
        """The tariff code, as far as it stands in one element."""
        return next((code for code in self.classifications if code.list in {None, "HS", "TSP"}), None)

    @property
    def procedure(self) -> WcoProcedure | None:
        """The procedure that the goods are entered for."""
        return next((step for step in self.procedures if step.is_main), None)

    @property
    def certificate_links(self) -> tuple[WcoDocument, ...]:
        """The documents that name a certificate line."""
        return tuple(
            document
            for document in self.documents
            if (document.category, document.type) == (CERTIFICATE_CATEGORY, CERTIFICATE_TYPE)
        )


@dataclass(frozen=True, kw_only=True)
class WcoDeclaration:
    """A whole declaration."""

    model_version: str | None
    responsible_country: str | None
    responsible_agency: str | None
    function: str | None
    """9 original, 13 request for cancellation."""
    type: str | None
    """IM or EX, mostly followed by a letter of the lodging stage."""
    reference: str | None
    number: str | None
    office: str | None
    accepted_at: datetime | None
    items_declared: int | None
    invoice: WcoAmount | None
    invoice_number: str | None
    invoiced_at: datetime | None
    gross_kg: Decimal | None
    packages: int | None
    declarant: WcoParty | None
    agent: WcoParty | None
    exporter: WcoParty | None
    importer: WcoParty | None
    consignee: WcoParty | None
    consignor: WcoParty | None
    buyer: WcoParty | None
    seller: WcoParty | None
    carrier: WcoParty | None
    tax_parties: tuple[WcoParty, ...]
    authorisations: tuple[WcoAuthorisation, ...]
    exit_office: str | None
    presentation_office: str | None
    supervising_office: str | None
    border_means: WcoMeans | None
    arrival_means: WcoMeans | None
    departure_means: WcoMeans | None
    equipment: tuple[WcoEquipment, ...]
    in_containers: str | None
    location: str | None
    """Where the goods may be examined."""
    location_country: str | None
    routing: tuple[str, ...]
    export_country: str | None
    destination_country: str | None
    trade_terms: str | None
    trade_place: str | None
    transaction_nature: str | None
    warehouse: str | None
    warehouse_kind: str | None
    unique_reference: str | None
    charges: tuple[WcoCharge, ...]
    freight: WcoAmount | None
    guarantees: tuple[WcoGuarantee, ...]
    documents: tuple[WcoDocument, ...]
    previous_documents: tuple[WcoDocument, ...]
    statements: tuple[WcoStatement, ...]
    items: tuple[WcoItem, ...]
    unread: tuple[str, ...]
    """Places of elements that are well-formed but not known here; they are not considered."""

    @property
    def direction(self) -> Literal["import", "export"] | None:
        """Which way the goods go, by the declaration's type."""
        begins: dict[str, Literal["import", "export"]] = {"IM": "import", "EX": "export"}
        return begins.get((self.type or "")[:2])

    def all_documents(self) -> Iterator[WcoDocument]:
        """Give the additional and previous documents of the whole declaration and of each item."""
        yield from self.documents
        yield from self.previous_documents
        for item in self.items:
            yield from item.documents
            yield from item.previous_documents
