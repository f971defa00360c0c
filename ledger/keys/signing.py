"""Keys and signatures: three kinds of ERC-7913 signer, judged exactly as the contracts judge them.

- an address (20 bytes): secp256k1, 65 bytes r‖s‖v, s in the lower half, v 27 or 28;
- the P-256 verifier's address followed by x‖y: r‖s, s in the lower half;
- the passkey verifier's address followed by x‖y: an ABI-encoded WebAuthn assertion whose challenge is the
  digest, made with the user present and verified.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol, Self

import coincurve
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from kernel.errors import Kind, PisteError, Text
from ledger.chain.deployment import VERIFIER_P256, VERIFIER_PASSKEY
from ledger.statements import key_id
from ledger.typed_data import WORD

if TYPE_CHECKING:
    from ledger.chain.deployment import Deployment

ADDRESS_BYTES = 20
POINT_BYTES = 64
SECP256K1_SIGNATURE_BYTES = 65
V_OFFSET = 27
SECP256K1_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
USER_PRESENT, USER_VERIFIED, BACKUP_ELIGIBLE, BACKED_UP = 0x01, 0x04, 0x08, 0x10
FLAGS_AT = 32
SHORTEST_AUTHENTICATOR_DATA = 37
SHORTEST_ASSERTION = 6 * WORD
ASSERTION_TYPES = ("uint256", "uint256", "uint256", "uint256", "bytes", "bytes")
_PREHASHED = ec.ECDSA(Prehashed(hashes.SHA256()))


class AssertionMalformed(PisteError):
    """What the browser sent is no passkey assertion."""

    code = "signature.assertion-malformed"
    kind = Kind.INVALID
    message = Text("The passkey's answer cannot be read ({part}).", "无法读取通行密钥的应答（{part}）。")
    next_step = Text("Sign again with your passkey.", "请使用通行密钥重新签署。")
    field = "/{part}"
    part: str


@dataclass(frozen=True)
class SignedBy:
    """A signature and who gave it."""

    signer: bytes
    """ERC-7913 signer."""
    signature: bytes

    @property
    def key_id(self) -> bytes:
        """The name of the key on the chain."""
        return key_id(self.signer)


class Signer(Protocol):
    """Something that signs digests."""

    @property
    def signer(self) -> bytes:
        """The ERC-7913 signer."""

    @property
    def key_id(self) -> bytes:
        """The name of the key on the chain."""

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest of 32 bytes."""


def sign_with(signer: Signer, digest: bytes) -> SignedBy:
    """Sign a digest and say who signed."""
    return SignedBy(signer.signer, signer.sign(digest))


class Secp256k1Signer:
    """A software key whose signer is an address."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self._key = coincurve.PrivateKey(secret)
        self.signer = _address(self._key.public_key)

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        return cls(coincurve.PrivateKey().secret)

    @property
    def key_id(self) -> bytes:
        """The name of the key on the chain."""
        return key_id(self.signer)

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest; 65 bytes r‖s‖v."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:POINT_BYTES] + bytes([signature[POINT_BYTES] + V_OFFSET])


class P256Signer:
    """A software key on P-256, for clients and devices.

    Args:
        secret: The private scalar, 32 bytes.
        verifier: Address of the P-256 verifier, 20 bytes.
    """

    def __init__(self, secret: bytes, verifier: bytes) -> None:
        self.secret = secret
        self._key = p256_key(secret)
        self.public_key = p256_point(self._key.public_key())
        self.signer = verifier + self.public_key

    @classmethod
    def generate(cls, deployment: Deployment) -> Self:
        """Make a new key."""
        return cls(new_p256_secret(), deployment.address_bytes(VERIFIER_P256))

    @property
    def key_id(self) -> bytes:
        """The name of the key on the chain."""
        return key_id(self.signer)

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest; 64 bytes r‖s, s in the lower half."""
        r, s = low_s(self._key.sign(digest, _PREHASHED))
        return r.to_bytes(WORD, "big") + s.to_bytes(WORD, "big")


def p256_signer(public_key: bytes, deployment: Deployment) -> bytes:
    """Give the ERC-7913 signer of a P-256 key x‖y."""
    return deployment.address_bytes(VERIFIER_P256) + public_key


def passkey_signer(public_key: bytes, deployment: Deployment) -> bytes:
    """Give the ERC-7913 signer of a passkey with the public key x‖y."""
    return deployment.address_bytes(VERIFIER_PASSKEY) + public_key


def passkey_signature(assertion: Mapping[str, Any]) -> bytes:
    """Turn a browser's assertion into the signature that the contracts take.

    Args:
        assertion: The JSON of `navigator.credentials.get` (a whole credential or its `response`): base64url
            `authenticatorData`, `clientDataJSON` and `signature` (DER).

    Raises:
        AssertionMalformed: A part is missing or cannot be read.
    """
    response = assertion.get("response", assertion)
    authenticator_data = _part(response, "authenticatorData")
    client_data = _part(response, "clientDataJSON")
    try:
        r, s = low_s(_part(response, "signature"))
    except ValueError:
        raise AssertionMalformed(part="signature") from None
    challenge_at, type_at = client_data.find(b'"challenge":"'), client_data.find(b'"type":"webauthn.get"')
    if challenge_at < 0 or type_at < 0:
        raise AssertionMalformed(part="clientDataJSON")
    return encode(ASSERTION_TYPES, (r, s, challenge_at, type_at, authenticator_data, client_data))


def verify_signature(signer: bytes, digest: bytes, signature: bytes, deployment: Deployment) -> bool:
    """Judge a signature off the chain, with the verdict that the contracts give.

    Knows addresses without code and the two verifiers of the deployment; any other signer is judged invalid.
    """
    if len(signer) == ADDRESS_BYTES:
        return _verify_secp256k1(signer, digest, signature)
    verifier, key = signer[:ADDRESS_BYTES], signer[ADDRESS_BYTES:]
    if len(key) != POINT_BYTES:
        return False
    if verifier == deployment.address_bytes(VERIFIER_P256):
        halves = signature[:WORD], signature[WORD:POINT_BYTES]
        return len(signature) >= POINT_BYTES and _verify_p256(key, digest, *map(_number, halves))
    if verifier == deployment.address_bytes(VERIFIER_PASSKEY):
        return _verify_passkey(key, digest, signature)
    return False


def p256_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Give the private key of a scalar."""
    return ec.derive_private_key(_number(secret), ec.SECP256R1())


def new_p256_secret() -> bytes:
    """Make a private scalar on P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_numbers().private_value.to_bytes(WORD, "big")


def p256_point(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Give x‖y of a public key."""
    numbers = public_key.public_numbers()
    return numbers.x.to_bytes(WORD, "big") + numbers.y.to_bytes(WORD, "big")


def low_s(der: bytes) -> tuple[int, int]:
    """Read a DER signature on P-256 and put its s into the lower half.

    Raises:
        ValueError: It is no DER signature, or a part is out of range.
    """
    r, s = decode_dss_signature(der)
    if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
        raise ValueError(r, s)
    return r, min(s, P256_ORDER - s)


def from_base64url(text: str) -> bytes:
    """Decode base64url with or without padding.

    Raises:
        ValueError: It is not base64url.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def to_base64url(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(response: Mapping[str, Any], name: str) -> bytes:
    try:
        return from_base64url(response[name])
    except (KeyError, TypeError, ValueError):
        raise AssertionMalformed(part=name) from None


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _address(public_key: coincurve.PublicKey) -> bytes:
    return keccak(public_key.format(compressed=False)[1:])[-ADDRESS_BYTES:]


def _verify_secp256k1(address: bytes, digest: bytes, signature: bytes) -> bool:
    if len(signature) != SECP256K1_SIGNATURE_BYTES:
        return False
    v, s = signature[-1], _number(signature[WORD:POINT_BYTES])
    if v not in {V_OFFSET, V_OFFSET + 1} or s > SECP256K1_HALF_ORDER:
        return False
    recoverable = signature[:POINT_BYTES] + bytes([v - V_OFFSET])
    try:
        recovered = coincurve.PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except ValueError:
        return False
    return _address(recovered) == address


def _verify_p256(key: bytes, digest: bytes, r: int, s: int) -> bool:
    if not (0 < r < P256_ORDER and 0 < s <= P256_ORDER // 2):
        return False
    numbers = ec.EllipticCurvePublicNumbers(_number(key[:WORD]), _number(key[WORD:]), ec.SECP256R1())
    try:
        numbers.public_key().verify(encode_dss_signature(r, s), digest, _PREHASHED)
    except (InvalidSignature, ValueError):
        return False
    return True


def _verify_passkey(key: bytes, digest: bytes, signature: bytes) -> bool:
    """Judge as OpenZeppelin's WebAuthn library does, down to how it reads the encoding."""
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
    challenge = f'"challenge":"{to_base64url(digest)}"'.encode()
    return (
        _stands_at(client_data, type_at, b'"type":"webauthn.get"')
        and _stands_at(client_data, challenge_at, challenge)
        and bool(flags & USER_PRESENT)
        and bool(flags & USER_VERIFIED)
        and (bool(flags & BACKUP_ELIGIBLE) or not flags & BACKED_UP)
        and _verify_p256(key, sha256(authenticator_data + sha256(client_data).digest()).digest(), r, s)
    )


def _word(data: bytes, at: int) -> int:
    return _number(data[at : at + WORD])


def _dynamic(data: bytes, offset: int) -> bytes | None:
    """Read a length-prefixed value at an offset; None where it reaches beyond the end."""
    if offset > len(data) - WORD:
        return None
    length = _word(data, offset)
    if length > len(data) - offset - WORD:
        return None
    return data[offset + WORD : offset + WORD + length]


def _stands_at(data: bytes, at: int, expected: bytes) -> bool:
    return data[at : at + len(expected)] == expected
