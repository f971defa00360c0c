"""Signatures of three kinds: what is judged here is what the contracts judge, for good ones and for forgeries."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from eth_abi.abi import encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import base64url_to_bytes

from ledger.chain.client import Chain, NodeRefused
from ledger.chain.deployment import VERIFIER_P256, VERIFIER_PASSKEY
from ledger.chain.interfaces import decode_error, decode_result, encode_call
from ledger.consortium import key_grant, organisation
from ledger.keys.passkeys import SoftwarePasskey, public_key_from_cose
from ledger.keys.roles import Role
from ledger.keys.signing import (
    ASSERTION_TYPES,
    P256_ORDER,
    SECP256K1_HALF_ORDER,
    USER_PRESENT,
    USER_VERIFIED,
    AssertionMalformed,
    P256Signer,
    Secp256k1Signer,
    SignedBy,
    Signer,
    from_base64url,
    p256_key,
    p256_signer,
    passkey_signature,
    passkey_signer,
    sign_with,
    to_base64url,
    verify_signature,
)
from tests.ledger.world import World

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
DIGEST = sha256(b"release").digest()
KINDS = {"secp256k1": "inspector", "p256": "gate", "passkey": "broker"}


@pytest.fixture(scope="module")
def world(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Give one world for all tests here: they only ask the contract."""
    from kernel.database import Base, Database  # noqa: PLC0415 - only this fixture needs them
    from tests.ledger.world import make_world  # noqa: PLC0415 - only this fixture needs them

    database = Database(f"sqlite:///{tmp_path_factory.mktemp('signing')}/piste.sqlite3")
    Base.metadata.create_all(database.engine)
    return make_world(chain, database)


def contract_accepts(world: World, signer: bytes, digest: bytes, signature: bytes) -> bool:
    """Ask the consortium, with every role, so that only the signature can be at fault."""
    call = encode_call("Consortium", "check", signer, digest, signature, 2047)
    try:
        world.chain.call(world.deployment.address("Consortium"), call)
    except NodeRefused as refused:
        error = decode_error(bytes.fromhex(refused.data[2:]))
        assert error is not None
        assert error.name == "ConsortiumSignatureWrong"
        return False
    return True


def judge(world: World, signer: bytes, digest: bytes, signature: bytes) -> bool:
    """Judge on and off the chain; both must agree."""
    here = verify_signature(signer, digest, signature, world.deployment)
    assert contract_accepts(world, signer, digest, signature) == here
    return here


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_signature_is_accepted(world: World, kind: str) -> None:
    signer = world.people[KINDS[kind]]
    signed = sign_with(signer, DIGEST)
    assert signed.key_id == signer.key_id
    assert judge(world, signer.signer, DIGEST, signed.signature)


@pytest.mark.parametrize("kind", KINDS)
def test_another_digest_or_another_key_is_refused(world: World, kind: str) -> None:
    signer = world.people[KINDS[kind]]
    signature = signer.sign(DIGEST)
    assert not judge(world, signer.signer, sha256(b"hold").digest(), signature)
    for other in KINDS.values():
        if world.people[other] is not signer:
            assert not judge(world, world.people[other].signer, DIGEST, signature)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_forgeries_are_judged_alike(world: World, kind: str, data: st.DataObject) -> None:
    signer = world.people[KINDS[kind]]
    signature = signer.sign(DIGEST)
    way = data.draw(st.sampled_from(["flip", "cut", "append", "any"]))
    if way == "flip":
        place = data.draw(st.integers(0, len(signature) - 1))
        changed = signature[place] ^ data.draw(st.integers(1, 255))
        forged = signature[:place] + bytes([changed]) + signature[place + 1 :]
    elif way == "cut":
        forged = signature[: data.draw(st.integers(0, len(signature) - 1))]
    elif way == "append":
        forged = signature + data.draw(st.binary(min_size=1, max_size=40))
    else:
        forged = data.draw(st.binary(max_size=300))
    judge(world, signer.signer, DIGEST, forged)


def test_the_upper_half_is_refused_on_secp256k1(world: World) -> None:
    signer = world.people["inspector"]
    signature = signer.sign(DIGEST)
    s = int.from_bytes(signature[32:64], "big")
    assert s <= SECP256K1_HALF_ORDER
    twin = signature[:32] + (SECP256K1_ORDER - s).to_bytes(32, "big") + bytes([55 - signature[64]])
    assert not judge(world, signer.signer, DIGEST, twin)
    for v in (0, 1, 26, 29):
        assert not judge(world, signer.signer, DIGEST, signature[:64] + bytes([v]))
    for r in (bytes(32), b"\xff" * 32):
        assert not judge(world, signer.signer, DIGEST, r + signature[32:])


def test_the_upper_half_is_refused_on_p256(world: World) -> None:
    signer = world.people["gate"]
    signature = signer.sign(DIGEST)
    s = int.from_bytes(signature[32:], "big")
    twin = signature[:32] + (P256_ORDER - s).to_bytes(32, "big")
    assert not judge(world, signer.signer, DIGEST, twin)
    assert judge(world, signer.signer, DIGEST, signature + b"\0")
    for r in (bytes(32), P256_ORDER.to_bytes(32, "big")):
        assert not judge(world, signer.signer, DIGEST, r + signature[32:])


Change = Callable[[dict[str, bytes]], None]


def _replace(part: str, old: bytes, new: bytes) -> Change:
    def change(parts: dict[str, bytes]) -> None:
        parts[part] = parts[part].replace(old, new)

    return change


def _flags(flags: int) -> Change:
    def change(parts: dict[str, bytes]) -> None:
        data = parts["authenticatorData"]
        parts["authenticatorData"] = data[:32] + bytes([flags]) + data[33:]

    return change


def _short(parts: dict[str, bytes]) -> None:
    parts["authenticatorData"] = parts["authenticatorData"][:36]


def _long(parts: dict[str, bytes]) -> None:
    parts["authenticatorData"] += b"extensions"


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        (_flags(USER_PRESENT | USER_VERIFIED), True),
        (_flags(USER_PRESENT | USER_VERIFIED | 0x08), True),
        (_flags(USER_PRESENT), False),
        (_flags(USER_VERIFIED), False),
        (_flags(USER_PRESENT | USER_VERIFIED | 0x10), False),
        (_short, False),
        (_long, True),
        (_replace("clientDataJSON", b"http://localhost:8700", b"https://elsewhere.example"), True),
        (_replace("clientDataJSON", b'"crossOrigin":false', b'"crossOrigin":false,"more":1'), True),
    ],
    ids=["uv", "eligible", "no-uv", "no-up", "backed-up-only", "short", "long", "origin", "more"],
)
def test_a_passkey_signs_over_what_it_claims(world: World, change: Change, accepted: bool) -> None:
    """Sign anew over changed parts: only what the contracts look at decides."""
    signer = world.people["broker"]
    passkey = signer.passkey  # type: ignore[attr-defined]  # the fixture's signer is a passkey's
    response = passkey.assertion(DIGEST)["response"]
    parts = {name: from_base64url(response[name]) for name in ("authenticatorData", "clientDataJSON")}
    change(parts)
    signed_over = parts["authenticatorData"] + sha256(parts["clientDataJSON"]).digest()
    der = p256_key(passkey.secret).sign(signed_over, ec.ECDSA(hashes.SHA256()))
    assertion = {name: to_base64url(data) for name, data in parts.items()} | {"signature": to_base64url(der)}
    assert judge(world, signer.signer, DIGEST, passkey_signature(assertion)) == accepted


@pytest.mark.parametrize("challenge", [sha256(b"another").digest(), b"", DIGEST[:31]])
def test_a_passkey_signs_one_challenge(world: World, challenge: bytes) -> None:
    signer = world.people["broker"]
    passkey: SoftwarePasskey = signer.passkey  # type: ignore[attr-defined]  # the fixture's signer is a passkey's
    assert not judge(world, signer.signer, DIGEST, passkey_signature(passkey.assertion(challenge)))


def test_a_registration_is_no_signature(world: World) -> None:
    signer = world.people["broker"]
    passkey: SoftwarePasskey = signer.passkey  # type: ignore[attr-defined]  # the fixture's signer is a passkey's
    data, client = passkey._authenticator_data(), passkey._client_data("webauthn.create", DIGEST)
    der = p256_key(passkey.secret).sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    signature = encode(
        ASSERTION_TYPES, (r, min(s, P256_ORDER - s), client.find(b'"challenge'), 1, data, client)
    )
    assert not judge(world, signer.signer, DIGEST, signature)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("value", [0, 1, 31, 191, 192, 1 << 64, (1 << 256) - 1, (1 << 256) - 20])
def test_broken_encodings_of_a_passkey_are_judged_alike(world: World, place: int, value: int) -> None:
    signer = world.people["broker"]
    signature = signer.sign(DIGEST)
    forged = signature[: place * 32] + value.to_bytes(32, "big") + signature[place * 32 + 32 :]
    judge(world, signer.signer, DIGEST, forged)


def test_signers_that_are_none_of_ours_are_refused(world: World) -> None:
    signature = world.people["gate"].sign(DIGEST)
    public_key = world.people["gate"].signer[20:]
    for signer in (
        b"",
        b"\1" * 19,
        b"\1" * 20,
        world.deployment.address_bytes("Inbox") + public_key,
        world.deployment.address_bytes(VERIFIER_P256) + public_key[:63],
        world.deployment.address_bytes(VERIFIER_P256) + bytes(64),
    ):
        assert not verify_signature(signer, DIGEST, signature, world.deployment)


def test_the_verifiers_say_the_same_of_any_key(world: World) -> None:
    """Ask the verifier itself, which takes keys that no register holds."""
    signature = world.people["gate"].sign(DIGEST)
    for key in (bytes(64), b"\1" * 64, b"\xff" * 64, world.people["gate"].signer[20:]):
        call = encode_call(VERIFIER_P256, "verify", key, DIGEST, signature)
        answer = world.chain.call(world.deployment.address(VERIFIER_P256), call)
        accepted = (
            decode_result(VERIFIER_P256, "verify", answer)
            == encode_call(VERIFIER_P256, "verify", b"", bytes(32), b"")[:4]
        )
        assert (
            verify_signature(p256_signer(key, world.deployment), DIGEST, signature, world.deployment)
            == accepted
        )


@pytest.mark.parametrize(
    ("assertion", "part"),
    [
        ({}, "authenticatorData"),
        ({"authenticatorData": 5}, "authenticatorData"),
        ({"authenticatorData": "AA", "clientDataJSON": "!"}, "clientDataJSON"),
        ({"authenticatorData": "AA", "clientDataJSON": "AA"}, "signature"),
        ({"authenticatorData": "AA", "clientDataJSON": "AA", "signature": "AA"}, "signature"),
    ],
)
def test_an_assertion_that_cannot_be_read_names_its_part(assertion: dict[str, str], part: str) -> None:
    with pytest.raises(AssertionMalformed) as caught:
        passkey_signature(assertion)
    assert caught.value.part == part


def test_an_assertion_without_challenge_or_out_of_range_is_malformed() -> None:
    passkey = SoftwarePasskey("localhost", "http://localhost")
    response = passkey.assertion(DIGEST)["response"]
    for client_data in (b"{}", b'{"type":"webauthn.get"}', b'{"challenge":"AA"}'):
        with pytest.raises(AssertionMalformed) as caught:
            passkey_signature({**response, "clientDataJSON": to_base64url(client_data)})
        assert caught.value.part == "clientDataJSON"
    zero = bytes.fromhex("3006020100020101")
    with pytest.raises(AssertionMalformed):
        passkey_signature({**response, "signature": to_base64url(zero)})


def test_browsers_and_servers_understand_the_software_passkey() -> None:
    """The WebAuthn library that the doors use takes its registration and its assertion."""
    passkey = SoftwarePasskey("localhost", "http://localhost:8700")
    challenge = b"\7" * 32
    registered = verify_registration_response(
        credential=json.dumps(passkey.registration(challenge)),
        expected_challenge=challenge,
        expected_rp_id="localhost",
        expected_origin="http://localhost:8700",
        require_user_verification=True,
    )
    assert public_key_from_cose(registered.credential_public_key) == passkey.public_key
    assertion = passkey.assertion(challenge, user_handle=b"person")
    verify_authentication_response(
        credential=json.dumps(assertion),
        expected_challenge=challenge,
        expected_rp_id="localhost",
        expected_origin="http://localhost:8700",
        credential_public_key=registered.credential_public_key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    assert base64url_to_bytes(assertion["rawId"]) == passkey.credential_id


@pytest.mark.parametrize(
    "cose",
    [
        b"",
        b"\xff",
        bytes.fromhex("a0"),
        bytes.fromhex("80"),
        bytes.fromhex("a5010203262001215820") + bytes(32) + bytes.fromhex("22") + b"\x01",
        bytes.fromhex("a501020326200121") + b"\x41\0" + bytes.fromhex("225820") + bytes(32),
        bytes.fromhex("a501020327200121") + b"\x58\x20" + bytes(32) + bytes.fromhex("225820") + bytes(32),
    ],
)
def test_other_registered_keys_are_refused(cose: bytes) -> None:
    with pytest.raises(AssertionMalformed):
        public_key_from_cose(cose)


def test_signers_name_their_verifier(world: World) -> None:
    p256 = P256Signer.generate(world.deployment)
    assert p256.signer == p256_signer(p256.public_key, world.deployment)
    assert p256.key_id == SignedBy(p256.signer, b"").key_id
    passkey = SoftwarePasskey("localhost", "http://localhost").signer_on(world.deployment)
    assert passkey.signer == passkey_signer(passkey.passkey.public_key, world.deployment)
    assert passkey.signer[:20] == world.deployment.address_bytes(VERIFIER_PASSKEY)
    address: Signer = Secp256k1Signer.generate()
    assert len(address.signer) == 20


def test_a_grant_of_each_kind_counts(world: World, tmp_path: Path) -> None:
    """Keys of the three kinds were granted: the register holds them and answers for whom they speak."""
    assert organisation(world.organisations["firm"], Role.BROKER).roles == 1
    grant = key_grant(world.organisations["firm"], world.officers["broker"], b"x" * 20, Role.BROKER)
    assert grant.roles == 1
    for name in KINDS.values():
        signer = world.people[name]
        call = encode_call("Consortium", "check", signer.signer, DIGEST, signer.sign(DIGEST), 2047)
        answer = world.chain.call(world.deployment.address("Consortium"), call)
        _, officer, _ = decode_result("Consortium", "check", answer)
        assert officer[:16] == world.officers[name].bytes
