"""What goes in and out around a signature, the same for every signed action of every process."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from kernel.errors import Fault, Text
from kernel.validation import Strict, checked, refusal
from ledger.keys.signing import from_base64url

WORD_PATTERN = "^0x[0-9a-fA-F]{64}$"
HEX_PATTERN = "^0x([0-9a-fA-F]{2})+$"
MOST_ASSERTION = 4096
"""Longest part of a passkey's answer that is taken, in characters; real ones have a few hundred."""

_EXAMPLE_WORD = "0x" + "5b" * 32
_ONE_SIGNATURE = Fault(
    field="",
    rule="signature.one-of-two",
    message=Text(
        "A signature is either a passkey's answer or a software key's.",
        "签名须为通行密钥应答或软件密钥签名之一。",
    ),
    next_step=Text("Give either webauthn or signature, not both.", "请仅提供webauthn或signature之一。"),
)

_NUL_CHARACTER = Fault(
    field="",
    rule="field.control-character",
    message=Text("The text holds a character that no text has (NUL).", "文本含有空字符（NUL）。"),
    next_step=Text("Type it again.", "请重新输入。"),
)


def _readable(value: str, field: str) -> list[Fault]:
    try:
        from_base64url(value)
    except ValueError:
        return [
            Fault(
                field=field,
                rule="field.base64url",
                message=Text("This is not base64url.", "此值不是base64url编码。"),
                next_step=Text(
                    "Encode the bytes with - and _, without padding.", "请以-和_编码字节，不加填充。"
                ),
            )
        ]
    return []


Base64Url = Annotated[str, Field(min_length=1, max_length=MOST_ASSERTION), checked(_readable)]
Word = Annotated[str, Field(pattern=WORD_PATTERN, examples=[_EXAMPLE_WORD])]
"""Thirty-two bytes in hexadecimal, `0x` first: digests, key ids, identifiers on the chain."""


def example(values: dict[str, Any]) -> ConfigDict:
    """Give a model's configuration that shows one example of it in the interface's description."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class Input(Strict):
    """Root of what comes in: nothing that is not known is let through, blanks around texts are dropped."""

    @field_validator("*")
    @classmethod
    def _can_be_stored(cls, value: object) -> object:
        if isinstance(value, str) and "\x00" in value:
            raise refusal(_NUL_CHARACTER)
        return value


class Output(BaseModel):
    """Root of what goes out; filled from rows by attribute."""

    model_config = ConfigDict(from_attributes=True)


class WebAuthnAssertion(Input):
    """A passkey's answer to a challenge that is the statement's digest, as browsers give it (base64url)."""

    authenticator_data: Base64Url
    client_data_json: Base64Url
    signature: Base64Url = Field(description="ECDSA signature in DER.")

    def assertion(self) -> dict[str, str]:
        """Give the answer under the names that browsers use, as `passkey_signature` takes it."""
        return {
            "authenticatorData": self.authenticator_data,
            "clientDataJSON": self.client_data_json,
            "signature": self.signature,
        }

    def authenticator_data_bytes(self) -> bytes:
        """Give the authenticator data."""
        return from_base64url(self.authenticator_data)

    def client_data_json_bytes(self) -> bytes:
        """Give the client data as the browser serialised it; the signature is over exactly these bytes."""
        return from_base64url(self.client_data_json)

    def signature_bytes(self) -> bytes:
        """Give the signature (DER)."""
        return from_base64url(self.signature)


class SignatureInput(Input):
    """A signature over a statement's digest: either a passkey's answer or a software key's signature."""

    model_config = example({"key_id": _EXAMPLE_WORD, "signature": "0x" + "1c" * 65})

    key_id: Word = Field(description="keccak256 of the key's ERC-7913 signer bytes.")
    signature: str | None = Field(
        default=None,
        pattern=HEX_PATTERN,
        max_length=2050,
        description="Signature of a software key: 65 bytes r‖s‖v (secp256k1) or 64 bytes r‖s (P-256, low s).",
    )
    webauthn: WebAuthnAssertion | None = Field(default=None, description="Answer of a passkey.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.signature is None) == (self.webauthn is None):
            raise refusal(_ONE_SIGNATURE)
        return self


class ActionInput(Input):
    """What a step of any case may carry; processes add their own parameters by subclassing."""

    reason: Annotated[str, Field(max_length=1000)] = ""
    signed_at: AwareDatetime | None = Field(
        default=None, description="As given with the statement to sign; left out while preparing."
    )


class PreparedStatement(Output):
    """A statement ready to be signed: a key signs its digest, a passkey takes it as challenge."""

    model_config = example(
        {
            "digest": _EXAMPLE_WORD,
            "primary_type": "CertificateReview",
            "typed_data": {"primaryType": "CertificateReview", "domain": {"name": "Piste"}},
            "signed_at": "2026-02-03T08:00:00Z",
        }
    )

    digest: Word
    primary_type: str
    typed_data: dict[str, Any] = Field(description="Full EIP-712 typed data, as a wallet takes it.")
    signed_at: AwareDatetime
