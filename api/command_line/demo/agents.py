"""Whoever acts in the demonstration, over HTTP like anybody else: persons with passkeys, programs with keys.

An agent signs only what it has computed itself: the digest that the service names is compared with the digest of the
typed message that it shows.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode
from typing import Any
from uuid import uuid4

import httpx
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from kernel.errors import Kind, PisteError, Text
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.signing import Signer

PATIENCE_S = 120.0
PAUSE_S = 0.15


class Refused(PisteError):
    """The service refused a request of the demonstration."""

    code = "demo.refused"
    kind = Kind.CONFLICT
    message = Text(
        "{who}: {path} was refused with {status}: {detail}", "{who}：{path}被拒绝（{status}）：{detail}"
    )
    next_step = Text("{then}", "{then}")
    who: str
    path: str
    status: int
    detail: str
    then: str
    problem: dict[str, Any]


class TooSlow(PisteError):
    """What was waited for did not come."""

    code = "demo.too-slow"
    kind = Kind.UNAVAILABLE
    message = Text(
        "Waited {seconds} s for {what}; it stands at {at}.", "等待{what}已{seconds}秒，当前为{at}。"
    )
    next_step = Text(
        "Look at `piste status` and `piste logs`, then run `make demo` again.",
        "请查看`piste status`和`piste logs`后重新运行。",
    )
    seconds: float
    what: str
    at: str


class DigestDiffers(PisteError):
    """The service asked for a signature over something else than it showed."""

    code = "demo.digest-differs"
    kind = Kind.CONFLICT
    message = Text("The digest to sign is not that of the message shown.", "待签摘要与所示声明不符。")
    next_step = Text("Sign nothing; tell the auditor.", "请勿签署，并通知审计人员。")


class Agent:
    """Somebody who calls the API and can sign."""

    def __init__(self, name: str, base_url: str) -> None:
        self.name = name
        self.http = httpx.Client(
            base_url=base_url, timeout=60.0, trust_env=False, headers={"Accept-Language": "en"}
        )

    def sign(self, digest: bytes) -> dict[str, Any]:
        """Sign a digest; the JSON of a signature as the API takes it."""
        raise NotImplementedError

    def get(self, path: str, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """Read something."""
        return self._answer(self.http.get(f"/api/v1{path}", params=params))

    def post(self, path: str, *, key: str | None = None, **options: Any) -> Any:  # noqa: ANN401 - httpx's options, JSON
        """Change something, once per key."""
        headers = {"Idempotency-Key": key or str(uuid4()), **options.pop("headers", {})}
        return self._answer(self.http.post(f"/api/v1{path}", headers=headers, **options))

    def put(self, path: str, *, etag: int, **options: Any) -> Any:  # noqa: ANN401 - as above
        """Replace something that was seen at a revision."""
        headers = {"If-Match": f'"{etag}"', "Idempotency-Key": str(uuid4()), **options.pop("headers", {})}
        return self._answer(self.http.put(f"/api/v1{path}", headers=headers, **options))

    def act(self, path: str, **given: Any) -> Any:  # noqa: ANN401 - JSON
        """Fetch the statement of an action, check it, sign it, and act."""
        prepared = self.post(f"{path}/statement", json=given)
        signature = self.sign(checked_digest(prepared))
        return self.post(path, json={**given, "signed_at": prepared["signed_at"], "signature": signature})

    def attach(self, case_kind: str, case_id: str, kind: str, name: str, data: bytes) -> Any:  # noqa: ANN401 - JSON
        """Upload a document of a case."""
        fields = {"case_kind": case_kind, "case_id": case_id, "kind": kind}
        return self.post("/documents", data=fields, files={"file": (name, data)})

    def wait(self, path: str, *states: str, patience_s: float = PATIENCE_S) -> Any:  # noqa: ANN401 - JSON
        """Read a case until no step is under way and it stands in one of the states.

        Raises:
            TooSlow: It did not come to that.
        """
        until = time.monotonic() + patience_s
        while True:
            case = self.get(path)
            if case["pending_event"] is None and case["state"] in states:
                return case
            if time.monotonic() > until:
                at = f"{case['state']} ({case['pending_event'] or 'nothing under way'})"
                raise TooSlow(seconds=patience_s, what=f"{path} → {' or '.join(states)}", at=at)
            time.sleep(PAUSE_S)

    def _answer(self, response: httpx.Response) -> Any:  # noqa: ANN401 - JSON
        if response.is_success:
            return response.json() if response.content else None
        problem = _problem(response)
        faults = problem.get("faults") or []
        told = "; ".join(f"{fault['field']} {fault['message']}".strip() for fault in faults)
        raise Refused(
            who=self.name,
            path=response.request.url.path,
            status=response.status_code,
            detail=told or str(problem.get("detail") or problem.get("title") or response.text[:200]),
            then="; ".join(fault["next_step"] for fault in faults) or "See the service's log.",
            problem=problem,
        )


class Person(Agent):
    """A person with a passkey in software, signed in like in a browser."""

    def __init__(self, name: str, base_url: str, passkey: SoftwarePasskey, key_id: bytes) -> None:
        super().__init__(name, base_url)
        self.passkey = passkey
        self.key_id = key_id

    def sign(self, digest: bytes) -> dict[str, Any]:
        """Answer the digest as a passkey's challenge."""
        answer = self.passkey.assertion(digest)["response"]
        return {
            "key_id": f"0x{self.key_id.hex()}",
            "webauthn": {
                "authenticator_data": answer["authenticatorData"],
                "client_data_json": answer["clientDataJSON"],
                "signature": answer["signature"],
            },
        }


class Program(Agent):
    """A client program or a device: OAuth2 client credentials and a key of its own."""

    def __init__(self, name: str, base_url: str, client_id: str, secret: str, signer: Signer) -> None:
        super().__init__(name, base_url)
        self.signer = signer
        self._credentials = (client_id, secret)
        self._token_until = 0.0

    def sign(self, digest: bytes) -> dict[str, Any]:
        """Sign with the program's key."""
        return {"key_id": f"0x{self.signer.key_id.hex()}", "signature": f"0x{self.signer.sign(digest).hex()}"}

    def get(self, path: str, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """Read something with a fresh token."""
        self._refresh()
        return super().get(path, **params)

    def post(self, path: str, *, key: str | None = None, **options: Any) -> Any:  # noqa: ANN401 - JSON
        """Change something with a fresh token."""
        self._refresh()
        return super().post(path, key=key, **options)

    def put(self, path: str, *, etag: int, **options: Any) -> Any:  # noqa: ANN401 - JSON
        """Replace something with a fresh token."""
        self._refresh()
        return super().put(path, etag=etag, **options)

    def _refresh(self) -> None:
        if time.monotonic() < self._token_until:
            return
        response = self.http.post(
            "/api/v1/token", data={"grant_type": "client_credentials"}, auth=self._credentials
        )
        token = self._answer(response)
        self.http.headers["Authorization"] = f"Bearer {token['access_token']}"
        self._token_until = time.monotonic() + token["expires_in"] * 0.8


def checked_digest(prepared: dict[str, Any]) -> bytes:
    """Compute the digest of a prepared statement's typed message and compare it with the one that is to be signed.

    Raises:
        DigestDiffers: They differ.
    """
    signable = encode_typed_data(full_message=prepared["typed_data"])
    digest = keccak(b"\x19" + signable.version + signable.header + signable.body)
    if f"0x{digest.hex()}" != prepared["digest"]:
        raise DigestDiffers
    return digest


def challenge_of(options: dict[str, Any]) -> bytes:
    """Read the challenge out of WebAuthn options."""
    text = options["challenge"]
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
