"""What goes in and out of every signed action, whichever process it belongs to."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Hex32 = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{64}$")]
HexBytes = Annotated[str, StringConstraints(pattern=r"^0x([0-9a-fA-F]{2})+$", max_length=4096)]
Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+=*$", max_length=8192)]


class WebAuthnAnswer(BaseModel):
    """What `navigator.credentials.get` gave for a challenge that is the statement's digest; base64url."""

    model_config = ConfigDict(extra="forbid")

    authenticator_data: Base64Url
    client_data_json: Base64Url
    signature: Base64Url

    def authenticator_data_bytes(self) -> bytes:
        """Decode the authenticator data."""
        return _decode(self.authenticator_data)

    def client_data_json_bytes(self) -> bytes:
        """Decode the client data."""
        return _decode(self.client_data_json)

    def signature_bytes(self) -> bytes:
        """Decode the DER signature."""
        return _decode(self.signature)


class SignatureInput(BaseModel):
    """A signature over a statement's digest: raw for software keys, or a passkey's answer."""

    model_config = ConfigDict(extra="forbid")

    key_id: Hex32
    """keccak256 of the ERC-7913 signer."""
    signature: HexBytes | None = None
    webauthn: WebAuthnAnswer | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.signature is None) == (self.webauthn is None):
            msg = "give either signature or webauthn"
            raise ValueError(msg)
        return self


class ActionInput(BaseModel):
    """What every action may carry. Processes add fields of their own."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""
    signed_at: AwareDatetime | None = None
    """The time in the prepared statement; must come back as it was given."""


class PreparedStatement(BaseModel):
    """A statement ready to be signed."""

    digest: Hex32
    primary_type: str
    typed_data: dict[str, Any] = Field(description="EIP-712 typed data, as wallets take it")
    signed_at: datetime


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as fault:
        raise ValueError(text[:40]) from fault
