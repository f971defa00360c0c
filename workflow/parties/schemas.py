"""What goes in and out about organisations, persons, clients and keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator

from kernel.identifiers import check_country, check_foreign_id, check_uscc
from kernel.validation import checked, refusal
from workflow.engine.schemas import Input, Output, example
from workflow.parties.rules import OrganisationKind

RoleName = Literal[
    "broker",
    "committee",
    "documents_officer",
    "inspector",
    "image_analyst",
    "releasing_officer",
    "supervisor",
    "gate",
    "instrument",
    "log",
    "auditor",
    "holder",
    "system",
    "witness",
]
Name = Annotated[str, Field(min_length=1, max_length=120)]

_ID = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01"
_SECOND_ID = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b02"
_WORD = "0x" + "5b" * 32
_MORNING = "2026-02-03T08:00:00Z"


class NewOrganisation(Input):
    """An organisation to be admitted to the consortium."""

    model_config = example(
        {
            "name_en": "Snowline Freight Co., Ltd.",
            "name_zh": "雪线国际货运代理有限公司",
            "kind": "broker",
            "country": "CN",
            "registration_number": "91110000600037341L",
            "roles": ["broker"],
        }
    )

    name_en: Annotated[str, Field(min_length=1, max_length=200)]
    name_zh: Annotated[str, Field(min_length=1, max_length=200)]
    kind: OrganisationKind
    country: Annotated[str, checked(check_country), Field(description="ISO 3166-1 alpha-2.")] = "CN"
    registration_number: Annotated[
        str,
        Field(
            min_length=2,
            max_length=40,
            description="Unified social credit code in China, else what the country gives out.",
        ),
    ]
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=11)]
    valid_until: AwareDatetime | None = Field(default=None, description="Two years from now where not given.")

    @field_validator("registration_number")
    @classmethod
    def _registered(cls, value: str, info: ValidationInfo) -> str:
        country = info.data.get("country")
        check = check_uscc if country == "CN" else check_foreign_id
        if country is not None and (found := check(value, "")):
            raise refusal(*found)
        return value


class NewPerson(Input):
    """Somebody to be added to an organisation."""

    model_config = example(
        {
            "organisation_id": _ID,
            "name_en": "Li Na",
            "name_zh": "李娜",
            "roles": ["broker"],
            "administrator": True,
        }
    )

    organisation_id: UUID
    name_en: Name
    name_zh: Name
    roles: list[RoleName] = Field(default_factory=list, max_length=11)
    administrator: bool = False


class NewClient(Input):
    """A program or device that gets access of its own."""

    model_config = example(
        {
            "organisation_id": _ID,
            "label": "Freight system",
            "roles": ["broker"],
        }
    )

    organisation_id: UUID
    label: Name
    roles: list[RoleName] = Field(default_factory=list, max_length=11)


class OrganisationOut(Output):
    """An organisation, and where its admission stands."""

    model_config = example(
        {
            "id": _ID,
            "name_en": "Snowline Freight Co., Ltd.",
            "name_zh": "雪线国际货运代理有限公司",
            "kind": "broker",
            "country": "CN",
            "registration_number": "91110000600037341L",
            "roles": ["broker"],
            "founding": False,
            "valid_from": _MORNING,
            "valid_until": "2028-02-03T08:00:00Z",
            "in_register": True,
            "revision": 1,
        }
    )

    id: UUID
    name_en: str
    name_zh: str
    kind: OrganisationKind
    country: str
    registration_number: str
    roles: list[RoleName]
    founding: bool
    valid_from: datetime
    valid_until: datetime
    in_register: bool = Field(description="Whether the consortium's register on the chain holds it.")
    revision: int


class PersonOut(Output):
    """Somebody who works for an organisation."""

    model_config = example(
        {
            "id": _SECOND_ID,
            "organisation_id": _ID,
            "name_en": "Li Na",
            "name_zh": "李娜",
            "roles": ["broker"],
            "administrator": True,
            "added_at": _MORNING,
            "left_at": None,
            "revision": 1,
        }
    )

    id: UUID
    organisation_id: UUID
    name_en: str
    name_zh: str
    roles: list[RoleName]
    administrator: bool
    added_at: datetime
    left_at: datetime | None
    revision: int


class ClientOut(Output):
    """A program or device with access of its own."""

    model_config = example(
        {
            "id": _SECOND_ID,
            "organisation_id": _ID,
            "label": "Freight system",
            "roles": ["broker"],
            "created_at": _MORNING,
            "rotated_at": None,
            "revoked_at": None,
            "revision": 1,
        }
    )

    id: UUID
    organisation_id: UUID
    label: str
    roles: list[RoleName]
    created_at: datetime
    rotated_at: datetime | None
    revoked_at: datetime | None
    revision: int


class ClientSecret(Output):
    """A client's credentials. The secret is shown this once and kept nowhere."""

    model_config = example(
        {
            "client_id": _SECOND_ID,
            "client_secret": "n0Example-S3cret-0f-forty-three-characters_",
            "revision": 1,
        }
    )

    client_id: UUID
    client_secret: str
    revision: int
