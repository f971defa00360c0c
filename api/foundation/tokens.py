"""Access tokens of programs (RFC 6749 client credentials, RFC 9068) and small sealed notes for cookies."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
from jwt.types import Options

from kernel.clock import unix
from kernel.errors import NotSignedIn

READ, WRITE = "read", "write"
SCOPES = {
    READ: "Read what the client's organisation may see.",
    WRITE: "Change and sign what the client's roles allow.",
}
_ALGORITHM = "HS256"
_SECRET_BYTES = 32
_NOTE_LIFETIME = timedelta(minutes=2)
_NOT_OURS = (jwt.InvalidTokenError, KeyError, ValueError, TypeError)


def server_secret(data_dir: Path) -> bytes:
    """Give the secret that signs tokens; made on first use, readable by the service's user alone."""
    path = data_dir / "keys" / "token-secret"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        side = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        descriptor = os.open(side, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(_SECRET_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(side, path)  # whoever comes second keeps what the first one made
        except FileExistsError:
            pass
        finally:
            side.unlink()
    return path.read_bytes()


@dataclass(frozen=True)
class TokenClaims:
    """What a valid token says."""

    client_id: UUID
    scopes: frozenset[str]


class TokenOffice:
    """Issues and reads tokens.

    Args:
        secret: At least 32 bytes.
        origin: Address of the service, issuer and audience of its tokens.
        lifetime: How long a token holds.
    """

    def __init__(self, secret: bytes, origin: str, lifetime: timedelta) -> None:
        self._secret = secret
        self._origin = origin
        self.lifetime = lifetime

    def issue(self, client_id: UUID, scopes: frozenset[str], *, now: datetime) -> str:
        """Issue a token to a client that has shown its secret."""
        claims = {
            "iss": self._origin,
            "aud": f"{self._origin}/api/v1",
            "sub": str(client_id),
            "client_id": str(client_id),
            "scope": " ".join(sorted(scopes)),
            "iat": unix(now),
            "exp": unix(now + self.lifetime),
            "jti": uuid4().hex,
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM, headers={"typ": "at+jwt"})

    def read(self, token: str, *, now: datetime) -> TokenClaims:
        """Read a token.

        Raises:
            NotSignedIn: It is not ours, was altered, or its time is over.
        """
        try:
            if jwt.get_unverified_header(token).get("typ") != "at+jwt":
                raise NotSignedIn
            claims = self._decode(token, f"{self._origin}/api/v1", now)
            return TokenClaims(UUID(claims["sub"]), frozenset(claims["scope"].split()))
        except _NOT_OURS:
            raise NotSignedIn from None

    def seal(self, note: dict[str, Any], *, now: datetime) -> str:
        """Seal a short-lived note that travels through the browser."""
        claims = {"aud": "note", "exp": unix(now + _NOTE_LIFETIME), "note": note}
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def open_note(self, sealed: str, *, now: datetime) -> dict[str, Any] | None:
        """Open a sealed note; None where it is not ours or too old."""
        try:
            note = self._decode(sealed, "note", now)["note"]
        except _NOT_OURS:
            return None
        return note if isinstance(note, dict) else None

    def _decode(self, token: str, audience: str, now: datetime) -> dict[str, Any]:
        # The library would judge by the machine's clock; time here is the service's own.
        own_time: Options = {
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "require": ["exp"],
        }
        claims = jwt.decode(token, self._secret, algorithms=[_ALGORITHM], audience=audience, options=own_time)
        if not isinstance(claims["exp"], int) or claims["exp"] <= unix(now):
            raise jwt.ExpiredSignatureError
        return claims
