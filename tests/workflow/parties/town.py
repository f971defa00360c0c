"""Builders for tests of the parties: organisations, people and keys, let in by the system."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

from sqlalchemy.orm import Session

from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.roles import Role
from ledger.keys.signing import Secp256k1Signer, from_base64url
from workflow.engine.context import Context
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.parties import service
from workflow.parties.key_schemas import PasskeyEnrolment, SoftwareKeyEnrolment
from workflow.parties.models import Client, Key, Organisation, Person
from workflow.parties.rules import ROLES_OF_KIND, OrganisationKind, possession_digest, role_names
from workflow.parties.schemas import NewClient, NewOrganisation, NewPerson
from workflow.parties.sign_in import rp_id


@dataclass
class Town:
    """Lets people in, in the session that is handed over."""

    context: Context
    numbers: count[int] = field(default_factory=lambda: count(1))

    def organisation(
        self,
        session: Session,
        kind: OrganisationKind = OrganisationKind.BROKER,
        *,
        founding: bool = False,
        organisation_id: UUID | None = None,
    ) -> Organisation:
        number = next(self.numbers)
        return service.admit_organisation(
            session,
            self.context,
            SYSTEM_PRINCIPAL,
            NewOrganisation(
                name_en=f"{kind.value} {number}",
                name_zh=f"单位{number}",
                kind=kind,
                country="IT",
                registration_number=f"IT-{number}",
                roles=role_names(ROLES_OF_KIND[kind]),
            ),
            founding=founding,
            organisation_id=organisation_id,
        )

    def person(
        self, session: Session, organisation: Organisation, roles: Role, *, administrator: bool = False
    ) -> Person:
        new = NewPerson(
            organisation_id=organisation.id,
            name_en="Li Na",
            name_zh="李娜",
            roles=role_names(roles),
            administrator=administrator,
        )
        return service.add_person(session, self.context, SYSTEM_PRINCIPAL, new)

    def client(self, session: Session, organisation: Organisation, roles: Role) -> Client:
        new = NewClient(organisation_id=organisation.id, label="Gate 1", roles=role_names(roles))
        return service.create_client(session, self.context, SYSTEM_PRINCIPAL, new)[0]

    def passkey_of(self, session: Session, person: Person) -> tuple[Key, SoftwarePasskey]:
        """Enrol a passkey through a link, as a browser does."""
        passkey = SoftwarePasskey(rp_id(self.context.settings), self.context.settings.origin)
        token = service.issue_link(session, self.context, SYSTEM_PRINCIPAL, person_id=person.id).token
        begun = service.begin_enrolment(session, self.context, token)
        challenge = from_base64url((begun.passkey or {})["challenge"])
        enrolment = PasskeyEnrolment.model_validate(
            {
                "token": token,
                "ceremony_id": begun.ceremony_id,
                "label": "phone",
                "credential": passkey.registration(challenge),
            }
        )
        return service.enrol_passkey(session, self.context, enrolment), passkey

    def software_key_of(self, session: Session, client: Client) -> tuple[Key, Secp256k1Signer]:
        """Enrol a software key through a link, as a program does."""
        signer = Secp256k1Signer.generate()
        token = service.issue_link(session, self.context, SYSTEM_PRINCIPAL, client_id=client.id).token
        begun = service.begin_enrolment(session, self.context, token)
        proof = signer.sign(possession_digest(bytes.fromhex(begun.challenge[2:]), signer.signer))
        enrolment = SoftwareKeyEnrolment(
            token=token,
            ceremony_id=begun.ceremony_id,
            label="key of 2026",
            signer=f"0x{signer.signer.hex()}",
            signature=f"0x{proof.hex()}",
        )
        return service.enrol_software_key(session, self.context, enrolment), signer
