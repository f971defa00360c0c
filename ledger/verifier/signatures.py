"""Signatures judged as the contracts judge them: addresses, P-256 keys and passkeys."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import coincurve
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from ledger.verifier.hashing import keccak

WORD = 32
ADDRESS_BYTES = 20
POINT_BYTES = 64
RECOVERABLE_BYTES = 65
V_OFFSET = 27
SECP256K1_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
USER_PRESENT, USER_VERIFIED, BACKUP_ELIGIBLE, BACKED_UP = 0x01, 0x04, 0x08, 0x10
FLAGS_AT = 32
SHORTEST_AUTHENTICATOR_DATA = 37
SHORTEST_ASSERTION = 6 * WORD
_PREHASHED = ec.ECDSA(Prehashed(hashes.SHA256()))


@dataclass(frozen=True)
class Verifiers:
    """Addresses of the contracts that judge P-256 keys and passkeys, 20 bytes each."""

    p256: bytes
    passkey: bytes


@dataclass(frozen=True)
class SignedBy:
    """A signature and the ERC-7913 signer that it is said to be of."""

    signer: bytes
    signature: bytes

    @property
    def key_id(self) -> bytes:
        """The name of the key on the chain."""
        return _key_id(self.signer)

    def holds(self, digest: bytes, verifiers: Verifiers) -> bool:
        """Tell whether the signer signed the digest."""
        if len(self.signer) == ADDRESS_BYTES:
            return _holds_of_address(self.signer, digest, self.signature)
        verifier, key = self.signer[:ADDRESS_BYTES], self.signer[ADDRESS_BYTES:]
        if len(key) != POINT_BYTES:
            return False
        if verifier == verifiers.p256:
            if len(self.signature) < POINT_BYTES:
                return False
            return _holds_on_p256(key, digest, _word(self.signature, 0), _word(self.signature, WORD))
        return verifier == verifiers.passkey and _holds_of_passkey(key, digest, self.signature)


@lru_cache(maxsize=4096)
def _key_id(signer: bytes) -> bytes:
    return keccak(signer)


def _holds_of_address(address: bytes, digest: bytes, signature: bytes) -> bool:
    if len(signature) != RECOVERABLE_BYTES:
        return False
    v, s = signature[-1], _word(signature, WORD)
    if v not in {V_OFFSET, V_OFFSET + 1} or s > SECP256K1_HALF_ORDER:
        return False
    recoverable = signature[:POINT_BYTES] + bytes([v - V_OFFSET])
    try:
        key = coincurve.PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except ValueError:
        return False
    return keccak(key.format(compressed=False)[1:])[-ADDRESS_BYTES:] == address


def _holds_on_p256(key: bytes, digest: bytes, r: int, s: int) -> bool:
    if not (0 < r < P256_ORDER and 0 < s <= P256_ORDER // 2):
        return False
    numbers = ec.EllipticCurvePublicNumbers(_word(key, 0), _word(key, WORD), ec.SECP256R1())
    try:
        numbers.public_key().verify(encode_dss_signature(r, s), digest, _PREHASHED)
    except (InvalidSignature, ValueError):
        return False
    return True


def _holds_of_passkey(key: bytes, digest: bytes, signature: bytes) -> bool:
    """Judge an ABI-encoded assertion as OpenZeppelin's WebAuthn library does."""
    if len(signature) < SHORTEST_ASSERTION:
        return False
    r, s, challenge_at, type_at = (_word(signature, place * WORD) for place in range(4))
    authenticator_data = _dynamic(signature, _word(signature, 4 * WORD))
    client_data = _dynamic(signature, _word(signature, 5 * WORD))
    if authenticator_data is None or client_data is None:
        return False
    if len(authenticator_data) < SHORTEST_AUTHENTICATOR_DATA:
        return False
    flags = authenticator_data[FLAGS_AT]
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return (
        client_data.startswith(b'"type":"webauthn.get"', min(type_at, len(client_data)))
        and client_data.startswith(b'"challenge":"' + challenge + b'"', min(challenge_at, len(client_data)))
        and bool(flags & USER_PRESENT)
        and bool(flags & USER_VERIFIED)
        and (bool(flags & BACKUP_ELIGIBLE) or not flags & BACKED_UP)
        and _holds_on_p256(key, sha256(authenticator_data + sha256(client_data).digest()).digest(), r, s)
    )


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + WORD], "big")


def _dynamic(data: bytes, offset: int) -> bytes | None:
    """Read a length-prefixed value at an offset; None where it reaches beyond the end."""
    if offset > len(data) - WORD:
        return None
    length = _word(data, offset)
    if length > len(data) - offset - WORD:
        return None
    return data[offset + WORD : offset + WORD + length]
