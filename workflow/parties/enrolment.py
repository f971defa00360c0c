"""Enrolling keys: a one-time link, a passkey or a software key that proves itself, the consortium's register."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn import generate_registration_options, options_to_json, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kernel.errors import Text
from ledger.chain.deployment import VERIFIER_P256
from ledger.keys.passkeys import public_key_from_cose
from ledger.keys.roles import Role
from ledger.keys.signing import (
    ADDRESS_BYTES,
    POINT_BYTES,
    AssertionMalformed,
    passkey_signer,
    verify_signature,
)
from ledger.statements import key_id as key_id_of
from workflow.engine.context import Context
from workflow.engine.principals import Principal
from workflow.parties import register
from workflow.parties.admission import demand_administrator
from workflow.parties.holders import (
    Holder,
    check_present,
    holder_of,
    keys_in_use,
    name_of,
    record_about,
    visible_holder,
)
from workflow.parties.key_schemas import (
    EnrolmentChallenge,
    PasskeyEnrolment,
    SoftwareKeyEnrolment,
)
from workflow.parties.models import EnrolmentLink, Key, Organisation, Person
from workflow.parties.refusals import (
    KeyKnown,
    LinkNotValid,
    PasskeyRegistrationRefused,
    SoftwareKeyUnfit,
    TooManyKeys,
)
from workflow.parties.rules import (
    LINK_LIFETIME,
    MOST_KEYS,
    possession_digest,
    role_names,
    token_digest,
)
from workflow.parties.sign_in import TOKEN_BYTES, both_names, new_ceremony, rp_id, take_ceremony

ENROLMENT = "enrolment"
SITE_NAME = "Piste"

log = structlog.get_logger()


@dataclass(frozen=True)
class IssuedLink:
    """A new enrolment link with its secret, which is kept nowhere."""

    link: EnrolmentLink
    token: str
    url: str


@dataclass(frozen=True)
class _NewKey:
    """A key that has proved itself."""

    kind: str
    signer: bytes
    label: str
    credential_id: bytes | None = None
    cose_public_key: bytes | None = None
    sign_count: int = 0


def issue_link(
    session: Session,
    context: Context,
    principal: Principal,
    *,
    person_id: UUID | None = None,
    client_id: UUID | None = None,
) -> IssuedLink:
    """Issue a one-time link with which a person or a client enrols one key.

    Persons may issue a link to themselves (a second device); else it takes an administrator.

    Raises:
        NotFound: There is no such person or client, or the caller may not know of it.
        AdministratorsOnly: It is somebody else, and the caller administers neither organisation.
        Gone: The person has left, or the client was revoked.
    """
    holder = visible_holder(session, principal, person_id, client_id)
    if principal.officer_id != holder.id:
        demand_administrator(
            session, principal, holder.organisation_id, Text("issue an enrolment link", "签发登记链接")
        )
    check_present(holder)
    now = context.clock.now()
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = EnrolmentLink(
        id=context.ids.new(),
        token_hash=token_digest(token),
        organisation_id=holder.organisation_id,
        person_id=person_id,
        client_id=client_id,
        issued_by=principal.name or principal.actor,
        issued_at=now,
        expires_at=now + LINK_LIFETIME,
    )
    session.add(link)
    session.flush()
    words = Text(
        f"An enrolment link was issued to {name_of(holder).en}.", f"已向{name_of(holder).zh}签发登记链接。"
    )
    record_about(session, context, principal, holder, "issue_link", words)
    return IssuedLink(link, token, f"{context.settings.origin}/enrol/{token}")


def link_holder(session: Session, context: Context, token: str) -> Holder:
    """Tell whom an enrolment link is for.

    Raises:
        LinkNotValid, Gone, TooManyKeys: The link does not hold.
    """
    return _valid_link(session, token, now=context.clock.now(), lock=False)[1]


def begin_enrolment(session: Session, context: Context, token: str) -> EnrolmentChallenge:
    """Give the challenge that a new key must answer.

    Raises:
        LinkNotValid: The link is unknown, was used, or is too old.
        Gone: The person has left, or the client was revoked.
        TooManyKeys: The holder has as many keys as one may have.
    """
    link, holder = _valid_link(session, token, now=context.clock.now())
    ceremony = new_ceremony(session, context, ENROLMENT, link)
    passkey = None
    if isinstance(holder, Person):
        options = generate_registration_options(
            rp_id=rp_id(context.settings),
            rp_name=SITE_NAME,
            user_id=holder.id.bytes,
            user_name=both_names(holder.name),
            challenge=ceremony.challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=key.credential_id)
                for key in keys_in_use(session, holder)
                if key.credential_id is not None
            ],
            supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
        )
        passkey = json.loads(options_to_json(options))
    return EnrolmentChallenge(
        ceremony_id=ceremony.id,
        challenge="0x" + ceremony.challenge.hex(),
        name=both_names(name_of(holder)),
        roles=role_names(Role(holder.roles)),
        passkey=passkey,
    )


def enrol_passkey(session: Session, context: Context, new: PasskeyEnrolment) -> Key:
    """Take a person's new passkey and ask the founding members to enter it into the register.

    Raises:
        LinkNotValid, CeremonyOver, Gone, TooManyKeys: The link or the challenge does not hold.
        PasskeyRegistrationRefused: The passkey's answer does not hold, or its key is of another kind.
        KeyKnown: The passkey is enrolled already.
    """
    link, holder = _valid_link(session, new.token, now=context.clock.now())
    ceremony = take_ceremony(session, context, new.ceremony_id, ENROLMENT)
    if ceremony.link_id != link.id or not isinstance(holder, Person):
        raise LinkNotValid
    try:
        verified = verify_registration_response(
            credential=new.credential.as_json(),
            expected_challenge=ceremony.challenge,
            expected_rp_id=rp_id(context.settings),
            expected_origin=context.settings.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
        )
        public_key = public_key_from_cose(verified.credential_public_key)
    except (WebAuthnException, AssertionMalformed, ValueError) as fault:
        log.warning("enrolment.refused", link=str(link.id), reason=str(fault)[:200])
        raise PasskeyRegistrationRefused(reason=str(fault)[:120]) from None
    return _take_in(
        session,
        context,
        link,
        holder,
        _NewKey(
            kind="passkey",
            signer=passkey_signer(public_key, context.deployment),
            label=new.label,
            credential_id=verified.credential_id,
            cose_public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
        ),
    )


def enrol_software_key(session: Session, context: Context, new: SoftwareKeyEnrolment) -> Key:
    """Take a software key whose holder proves that he has it, and ask for its entry into the register.

    Raises:
        LinkNotValid, CeremonyOver, Gone, TooManyKeys: The link or the challenge does not hold.
        SoftwareKeyUnfit: The key is of another kind, or the proof does not hold.
        KeyKnown: The key is enrolled already.
    """
    link, holder = _valid_link(session, new.token, now=context.clock.now())
    ceremony = take_ceremony(session, context, new.ceremony_id, ENROLMENT)
    if ceremony.link_id != link.id:
        raise LinkNotValid
    signer = bytes.fromhex(new.signer.removeprefix("0x"))
    signature = bytes.fromhex(new.signature.removeprefix("0x"))
    kind = _kind_of(signer, context)
    digest = possession_digest(ceremony.challenge, signer)
    if not verify_signature(signer, digest, signature, context.deployment):
        raise SoftwareKeyUnfit(reason="the proof of possession does not hold")
    return _take_in(session, context, link, holder, _NewKey(kind=kind, signer=signer, label=new.label))


def _take_in(session: Session, context: Context, link: EnrolmentLink, holder: Holder, new: _NewKey) -> Key:
    """Write a key that has proved itself, use up its link, ask for its entry into the register."""
    now = context.clock.now()
    name = key_id_of(new.signer)
    taken = Key.key_id == name
    if new.credential_id is not None:
        taken |= Key.credential_id == new.credential_id
    if session.scalar(select(Key.id).where(taken)) is not None:
        raise KeyKnown
    link.used_at = now
    key = Key(
        id=context.ids.new(),
        key_id=name,
        organisation_id=holder.organisation_id,
        person_id=link.person_id,
        client_id=link.client_id,
        kind=new.kind,
        signer=new.signer,
        label=new.label,
        roles=holder.roles,
        credential_id=new.credential_id,
        cose_public_key=new.cose_public_key,
        sign_count=new.sign_count,
        link_id=link.id,
        enrolled_at=now,
    )
    session.add(key)
    session.flush()
    if holder.roles:
        organisation = session.get_one(Organisation, holder.organisation_id)
        register.enter_key(session, context, key, until=organisation.valid_until)
    own = Principal(
        organisation_id=holder.organisation_id,
        roles=Role(holder.roles),
        person_id=link.person_id,
        client_id=link.client_id,
        name=both_names(name_of(holder)),
    )
    words = Text(
        f"Key {key.label} of {name_of(holder).en} was enrolled.",
        f"已登记{name_of(holder).zh}的密钥{key.label}。",
    )
    record_about(session, context, own, holder, "enrol_key", words)
    return key


def _valid_link(
    session: Session, token: str, *, now: datetime, lock: bool = True
) -> tuple[EnrolmentLink, Holder]:
    query = select(EnrolmentLink).where(EnrolmentLink.token_hash == token_digest(token))
    link = session.scalar(query.with_for_update() if lock else query)
    if link is None or link.used_at is not None or link.expires_at <= now:
        raise LinkNotValid
    holder = holder_of(session, link.person_id, link.client_id)
    check_present(holder)
    if len(keys_in_use(session, holder)) >= MOST_KEYS:
        raise TooManyKeys(most=MOST_KEYS)
    return link, holder


def _kind_of(signer: bytes, context: Context) -> str:
    """Tell the kind of a software key by the shape of its signer.

    Raises:
        SoftwareKeyUnfit: It is of none that the contracts check without asking another contract.
    """
    if len(signer) == ADDRESS_BYTES:
        return "secp256k1"
    verifier = context.deployment.address_bytes(VERIFIER_P256)
    if signer[:ADDRESS_BYTES] == verifier and len(signer) == ADDRESS_BYTES + POINT_BYTES:
        return "p256"
    raise SoftwareKeyUnfit(reason="neither an address nor the P-256 verifier with x and y")
