"""Named software keys in a folder: of the relay, the log, the founding members of an embedded stack, devices, tests.

Deciding keys of persons never come here: those are passkeys in the persons' own hands.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from kernel.errors import Kind, PisteError, Text
from ledger.chain.deployment import VERIFIER_P256
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.signing import P256Signer, Secp256k1Signer, from_base64url, new_p256_secret, to_base64url

if TYPE_CHECKING:
    from ledger.chain.deployment import Deployment

OWNER_ONLY_FILE = 0o600
OWNER_ONLY_FOLDER = 0o700
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


class KeyNameWrong(PisteError):
    """The name cannot be the name of a key file, or the file holds a key of another kind."""

    code = "keystore.name-wrong"
    kind = Kind.INVALID
    message = Text(
        "There is no key of the kind {kind_wanted} named {name}.", "没有名为{name}的{kind_wanted}密钥。"
    )
    next_step = Text(
        "Use lower-case letters, digits, dots and dashes, and the kind that the key was made with.",
        "请使用小写字母、数字、点和连字符，并使用创建时的密钥类型。",
    )
    name: str
    kind_wanted: str


class KeyStore:
    """Keys by name, each in a file that only its owner can read; made when first asked for.

    Args:
        folder: Where the files are; created, for its owner only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def holds(self, name: str) -> bool:
        """Tell whether there is a key of this name."""
        return self._path(name).exists()

    def names(self) -> list[str]:
        """List the keys."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def secp256k1(self, name: str) -> Secp256k1Signer:
        """Give a key whose signer is an address."""
        data = self._get(name, "secp256k1", lambda: {"secret": Secp256k1Signer.generate().secret.hex()})
        return Secp256k1Signer(bytes.fromhex(data["secret"]))

    def account(self, name: str) -> LocalAccount:
        """Give a secp256k1 key as an account that sends transactions."""
        account: LocalAccount = Account.from_key(self.secp256k1(name).secret)
        return account

    def p256(self, name: str, deployment: Deployment) -> P256Signer:
        """Give a P-256 key, bound to the deployment's verifier."""
        data = self._get(name, "p256", lambda: {"secret": new_p256_secret().hex()})
        return P256Signer(bytes.fromhex(data["secret"]), deployment.address_bytes(VERIFIER_P256))

    def passkey(self, name: str, *, rp_id: str, origin: str) -> SoftwarePasskey:
        """Give a software passkey; host and origin count only when it is made."""

        def make() -> dict[str, Any]:
            made = SoftwarePasskey(rp_id, origin)
            return {
                "secret": made.secret.hex(),
                "credentialId": to_base64url(made.credential_id),
                "rpId": rp_id,
                "origin": origin,
            }

        data = self._get(name, "passkey", make)
        return SoftwarePasskey(
            data["rpId"],
            data["origin"],
            secret=bytes.fromhex(data["secret"]),
            credential_id=from_base64url(data["credentialId"]),
        )

    def _get(self, name: str, kind: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        path = self._path(name)
        if not path.exists():
            self._folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            _create(path, {"kind": kind, **make()})
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if data["kind"] != kind:
            raise KeyNameWrong(name=name, kind_wanted=kind)
        return data

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise KeyNameWrong(name=name[:80], kind_wanted="file")
        return self._folder / f"{name}.json"


def _create(path: Path, data: dict[str, Any]) -> None:
    """Write a new file whole; where another process was quicker, its key stands."""
    side = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(side, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(data, stream)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        path.hardlink_to(side)
    except FileExistsError:
        pass
    finally:
        side.unlink()
