"""A passkey authenticator in software, for tests and headless signing, and readers of passkey data."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ledger.keys.signing import (
    BACKED_UP,
    BACKUP_ELIGIBLE,
    USER_PRESENT,
    USER_VERIFIED,
    AssertionMalformed,
    new_p256_secret,
    p256_key,
    p256_point,
    passkey_signature,
    passkey_signer,
    to_base64url,
)
from ledger.statements import key_id
from ledger.typed_data import WORD

if TYPE_CHECKING:
    from ledger.chain.deployment import Deployment

ATTESTED_CREDENTIAL = 0x40
COUNTER_BYTES = 4
CREDENTIAL_ID_BYTES = 32
COSE_KEY_TYPE, COSE_ALGORITHM, COSE_CURVE, COSE_X, COSE_Y = 1, 3, -1, -2, -3
COSE_EC2, COSE_ES256, COSE_P256 = 2, -7, 1


def public_key_from_cose(cose: bytes) -> bytes:
    """Read x‖y from the COSE key of a passkey's registration.

    Raises:
        AssertionMalformed: It is no ES256 key.
    """
    try:
        key = cbor2.loads(cose)
        x, y = key[COSE_X], key[COSE_Y]
        kind = key[COSE_KEY_TYPE], key[COSE_ALGORITHM], key[COSE_CURVE]
    except (cbor2.CBORDecodeError, LookupError, TypeError):
        raise AssertionMalformed(part="publicKey") from None
    if kind != (COSE_EC2, COSE_ES256, COSE_P256) or not isinstance(x, bytes) or not isinstance(y, bytes):
        raise AssertionMalformed(part="publicKey")
    if len(x) != WORD or len(y) != WORD:
        raise AssertionMalformed(part="publicKey")
    return x + y


class SoftwarePasskey:
    """A discoverable credential in software that answers with the user present and verified.

    Args:
        rp_id: Host name that the passkey is bound to, for example `localhost`.
        origin: Origin that the client data names, for example `http://localhost:8700`.
        secret: The private scalar, 32 bytes; a new one where left out.
        credential_id: Its name; a new one where left out.
        flags: What the authenticator says about the user and the backup.
    """

    def __init__(
        self,
        rp_id: str,
        origin: str,
        *,
        secret: bytes | None = None,
        credential_id: bytes | None = None,
        flags: int = USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP,
    ) -> None:
        self.rp_id = rp_id
        self.origin = origin
        self.secret = secret or new_p256_secret()
        self.credential_id = credential_id or secrets.token_bytes(CREDENTIAL_ID_BYTES)
        self._flags = flags
        self._key = p256_key(self.secret)
        self.public_key = p256_point(self._key.public_key())

    def registration(self, challenge: bytes) -> dict[str, Any]:
        """Answer `navigator.credentials.create` (attestation `none`), as JSON with base64url values."""
        cose = cbor2.dumps(
            {
                COSE_KEY_TYPE: COSE_EC2,
                COSE_ALGORITHM: COSE_ES256,
                COSE_CURVE: COSE_P256,
                COSE_X: self.public_key[:WORD],
                COSE_Y: self.public_key[WORD:],
            }
        )
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cose
        data = self._authenticator_data(ATTESTED_CREDENTIAL) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential(
            {
                "clientDataJSON": to_base64url(self._client_data("webauthn.create", challenge)),
                "attestationObject": to_base64url(attestation),
                "transports": ["internal"],
            }
        )

    def assertion(self, challenge: bytes, *, user_handle: bytes | None = None) -> dict[str, Any]:
        """Answer `navigator.credentials.get`, as JSON with base64url values; the signature is DER."""
        data, client_data = self._authenticator_data(), self._client_data("webauthn.get", challenge)
        signature = self._key.sign(data + sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": to_base64url(data),
            "clientDataJSON": to_base64url(client_data),
            "signature": to_base64url(signature),
        }
        if user_handle is not None:
            response["userHandle"] = to_base64url(user_handle)
        return self._credential(response)

    def signer_on(self, deployment: Deployment) -> PasskeySigner:
        """Give the passkey as a signer of statements on one deployment."""
        return PasskeySigner(self, passkey_signer(self.public_key, deployment))

    def _credential(self, response: Mapping[str, Any]) -> dict[str, Any]:
        name = to_base64url(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": dict(response),
        }

    def _authenticator_data(self, more_flags: int = 0) -> bytes:
        # Synchronised passkeys keep their counter at zero (WebAuthn §6.1.1), and so does this one.
        return sha256(self.rp_id.encode()).digest() + bytes([self._flags | more_flags]) + bytes(COUNTER_BYTES)

    def _client_data(self, kind: str, challenge: bytes) -> bytes:
        client_data = {
            "type": kind,
            "challenge": to_base64url(challenge),
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(client_data, separators=(",", ":")).encode()


class PasskeySigner:
    """A software passkey as a signer: the challenge is the digest itself."""

    def __init__(self, passkey: SoftwarePasskey, signer: bytes) -> None:
        self.passkey = passkey
        self.signer = signer

    @property
    def key_id(self) -> bytes:
        """The name of the key on the chain."""
        return key_id(self.signer)

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest; an ABI-encoded assertion."""
        return passkey_signature(self.passkey.assertion(digest))
