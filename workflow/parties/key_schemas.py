"""What goes in and out about keys, enrolment and signing in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from workflow.engine.schemas import HEX_PATTERN, Base64Url, Input, Output, Word, example
from workflow.parties.rules import KeyStanding
from workflow.parties.schemas import RoleName

Secret = Annotated[str, Field(min_length=20, max_length=100)]

_ID = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01"
_SECOND_ID = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b02"
_WORD = "0x" + "5b" * 32
_MORNING = "2026-02-03T08:00:00Z"


class LinkOut(Output):
    """A one-time link for enrolling a key. It is shown this once and kept nowhere."""

    model_config = example(
        {
            "id": _ID,
            "url": "https://piste.example/enrol/qm2n0Example-t0ken",
            "token": "qm2n0Example-t0ken",
            "expires_at": "2026-02-04T08:00:00Z",
        }
    )

    id: UUID
    url: str
    token: str
    expires_at: datetime


class KeyOut(Output):
    """A key and where it stands."""

    model_config = example(
        {
            "key_id": _WORD,
            "kind": "passkey",
            "label": "Li Na's phone",
            "organisation_id": _ID,
            "person_id": _SECOND_ID,
            "client_id": None,
            "roles": ["broker"],
            "signer": "0x" + "a1" * 84,
            "credential_id": "q83vEjRWeJA",
            "standing": "entering",
            "standing_words": "being entered into the consortium register (1 of 2 signatures)",
            "signatures": 1,
            "signatures_required": 2,
            "enrolled_at": _MORNING,
            "revoked_at": None,
            "revision": 1,
        }
    )

    key_id: Word
    kind: Literal["secp256k1", "p256", "passkey"]
    label: str
    organisation_id: UUID
    person_id: UUID | None
    client_id: UUID | None
    roles: list[RoleName]
    signer: str
    credential_id: str | None
    standing: KeyStanding
    standing_words: str
    signatures: int
    signatures_required: int
    enrolled_at: datetime
    revoked_at: datetime | None
    revision: int


class LinkToken(Input):
    """The secret part of an enrolment link."""

    model_config = example(
        {
            "token": "qm2n0Example-t0ken-of-the-link",
        }
    )

    token: Secret


class EnrolmentChallenge(Output):
    """What a new key must answer, and what a browser needs to make a passkey."""

    model_config = example(
        {
            "ceremony_id": _ID,
            "challenge": "0x" + "c4" * 32,
            "name": "Li Na",
            "roles": ["broker"],
            "passkey": {"challenge": "q83vEjRWeJA", "rp": {"name": "Piste", "id": "localhost"}},
        }
    )

    ceremony_id: UUID
    challenge: Word
    name: str
    roles: list[RoleName]
    passkey: dict[str, Any] | None = Field(
        description="Options for navigator.credentials.create (PublicKeyCredentialCreationOptionsJSON); "
        "null for a client, which enrols a software key."
    )


class PasskeyCredential(Input):
    """What a browser answers (RegistrationResponseJSON or AuthenticationResponseJSON)."""

    model_config = ConfigDict(extra="ignore")

    id: Base64Url
    raw_id: Base64Url = Field(alias="rawId")
    type: Literal["public-key"]
    response: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Give it back as the browser wrote it."""
        return {"id": self.id, "rawId": self.raw_id, "type": self.type, "response": self.response}


_CREDENTIAL: dict[str, Any] = {
    "id": "q83vEjRWeJA",
    "rawId": "q83vEjRWeJA",
    "type": "public-key",
    "response": {"clientDataJSON": "eyJ0eXBlIjoi", "attestationObject": "o2NmbXRk"},
}


class PasskeyEnrolment(Input):
    """A new passkey's answer."""

    model_config = example(
        {
            "token": "qm2n0Example-t0ken-of-the-link",
            "ceremony_id": _ID,
            "label": "Li Na's phone",
            "credential": _CREDENTIAL,
        }
    )

    token: Secret
    ceremony_id: UUID
    label: Annotated[str, Field(min_length=1, max_length=80)]
    credential: PasskeyCredential


class SoftwareKeyEnrolment(Input):
    """A software key with the proof that the sender holds it."""

    model_config = example(
        {
            "token": "qm2n0Example-t0ken-of-the-link",
            "ceremony_id": _ID,
            "label": "Freight system, key of 2026",
            "signer": "0x" + "a1" * 20,
            "signature": "0x" + "1c" * 65,
        }
    )

    token: Secret
    ceremony_id: UUID
    label: Annotated[str, Field(min_length=1, max_length=80)]
    signer: Annotated[
        str,
        Field(
            pattern=HEX_PATTERN,
            max_length=200,
            description="ERC-7913: a 20-byte address, or the P-256 verifier's address with x‖y.",
        ),
    ]
    signature: Annotated[
        str,
        Field(
            pattern=HEX_PATTERN,
            max_length=200,
            description="Over SHA-256('Piste proof of possession v1' ‖ 0x00 ‖ challenge ‖ signer).",
        ),
    ]


class SignInChallenge(Output):
    """What a passkey must answer to sign in."""

    model_config = example(
        {
            "ceremony_id": _ID,
            "passkey": {"challenge": "q83vEjRWeJA", "rpId": "localhost", "allowCredentials": []},
        }
    )

    ceremony_id: UUID
    passkey: dict[str, Any] = Field(
        description="Options for navigator.credentials.get (PublicKeyCredentialRequestOptionsJSON)."
    )


class SignIn(Input):
    """A passkey's answer to the sign-in challenge."""

    model_config = example(
        {
            "ceremony_id": _ID,
            "credential": _CREDENTIAL,
        }
    )

    ceremony_id: UUID
    credential: PasskeyCredential


class UsableKey(Output):
    """A key with which the caller can sign."""

    key_id: Word
    kind: Literal["secp256k1", "p256", "passkey"]
    label: str
    credential_id: str | None
    standing: KeyStanding
    roles: list[RoleName]


class SessionOut(Output):
    """Who is signed in, and with which keys this caller can sign."""

    model_config = example(
        {
            "organisation_id": _ID,
            "organisation": "Snowline Freight Co., Ltd.",
            "person_id": _SECOND_ID,
            "client_id": None,
            "name": "Li Na",
            "roles": ["broker"],
            "administrator": True,
            "csrf_token": "Vq2n0Example",
            "keys": [
                {
                    "key_id": _WORD,
                    "kind": "passkey",
                    "label": "Li Na's phone",
                    "credential_id": "q83vEjRWeJA",
                    "standing": "active",
                    "roles": ["broker"],
                }
            ],
        }
    )

    organisation_id: UUID
    organisation: str
    person_id: UUID | None
    client_id: UUID | None
    name: str
    roles: list[RoleName]
    administrator: bool
    csrf_token: str | None = Field(description="Sent back as X-CSRF-Token by pages; null for a bearer token.")
    keys: list[UsableKey]


class Revocation(Input):
    """Why a key is taken back."""

    model_config = example(
        {
            "reason": "The phone was lost.",
        }
    )

    reason: Annotated[str, Field(min_length=3, max_length=500)]
