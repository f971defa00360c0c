"""Routes of the doors. One request is one transaction, opened and committed here, before it is answered.

In this order: who calls, how fast, may he at all, the body up to its limit, the idempotency key, the route,
the commit, the answer. What the route refuses or breaks is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.foundation import idempotency
from api.foundation.callers import Caller, check_forgery, check_scope, identify
from api.foundation.entity_tags import matches
from api.foundation.installation import Installation, installation_of
from api.foundation.limits import read_body, read_json
from api.foundation.problems import problem_answers
from api.foundation.rehearsals import is_rehearsal
from api.foundation.transactions import Transaction
from kernel.errors import NotSignedIn
from workflow.parties.models import AnsweredRequest

SAFE = frozenset({"GET", "HEAD"})
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_MARKS = "_piste_marks"
_FIRST_REFUSAL = 400


def _mark(endpoint: Endpoint, name: str) -> Endpoint:
    setattr(endpoint, _MARKS, {*getattr(endpoint, _MARKS, ()), name})
    return endpoint


def public(endpoint: Endpoint) -> Endpoint:
    """Mark a route that nobody needs to sign in for; every other one refuses the anonymous."""
    return _mark(endpoint, "public")


def only_reads(endpoint: Endpoint) -> Endpoint:
    """Mark a POST route that changes nothing, for example one that prepares a statement to be signed."""
    return _mark(endpoint, "only_reads")


def shown_once(endpoint: Endpoint) -> Endpoint:
    """Mark a route whose answer holds a secret: it is not kept, a repetition is told that it was done."""
    return _mark(endpoint, "shown_once")


def takes_upload(endpoint: Endpoint) -> Endpoint:
    """Mark a route that takes a file: its body may be as large as an upload."""
    return _mark(endpoint, "takes_upload")


def tries_secrets(endpoint: Endpoint) -> Endpoint:
    """Mark a route at which secrets are tried: it is limited much more closely."""
    return _mark(endpoint, "tries_secrets")


@dataclass(frozen=True)
class Rules:
    """What holds for one route."""

    public: bool
    only_reads: bool
    shown_once: bool
    takes_upload: bool
    tries_secrets: bool

    @classmethod
    def of(cls, endpoint: Callable[..., Any]) -> Rules:
        """Read the marks of a route's function."""
        marks = getattr(endpoint, _MARKS, ())
        return cls(**{name: name in marks for name in cls.__dataclass_fields__})


class DoorRoute(APIRoute):
    """A route in a transaction of its own."""

    is_page: ClassVar[bool] = False

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler, which reads parameters, runs the function and makes the answer."""
        inner, rules = super().get_route_handler(), Rules.of(self.endpoint)

        async def handle(request: Request) -> Response:
            return await _serve(request, inner, rules)

        return handle


class ApiRoute(DoorRoute):
    """A JSON route; its refusals are problem details."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401 - FastAPI's own
        rules = Rules.of(endpoint)
        changes = not rules.only_reads and not SAFE.issuperset(options.get("methods") or {"GET"})
        statuses = [429, 503] if rules.public else [401, 403, 429, 503]
        if not SAFE.issuperset(options.get("methods") or {"GET"}):
            statuses += [400, 413, 422]
        options["responses"] = problem_answers(*sorted(statuses)) | (options.get("responses") or {})
        extra = dict(options.get("openapi_extra") or {})
        extra["security"] = [] if rules.public else [{"client": []}, {"session": []}]
        if changes and not rules.public:
            extra["parameters"] = [*extra.get("parameters", []), _IDEMPOTENCY_PARAMETER]
        options["openapi_extra"] = extra
        super().__init__(path, endpoint, **options)


class PageRoute(DoorRoute):
    """A page; its refusals are pages too, and who is not signed in is led to the sign-in page."""

    is_page: ClassVar[bool] = True


_IDEMPOTENCY_PARAMETER = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "A fresh UUID for each change. The same request with the same key is done once; whoever "
    "repeats it within 24 h gets the first answer, with the header Idempotency-Replayed. A refused request "
    "has changed nothing and is not kept.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 200},
    "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
}


def api_router(prefix: str, tag: str) -> APIRouter:
    """Make a router of JSON routes under `/api/v1`.

    Args:
        prefix: For example `/certificates`; may be empty.
        tag: Heading in the interface's description: the door's name.
    """
    return APIRouter(prefix=f"/api/v1{prefix}", tags=[tag], route_class=ApiRoute)


def page_router(prefix: str = "") -> APIRouter:
    """Make a router of pages."""
    return APIRouter(
        prefix=prefix,
        route_class=PageRoute,
        include_in_schema=False,
        default_response_class=HTMLResponse,
    )


async def _serve(request: Request, inner: Handler, rules: Rules) -> Response:
    place = installation_of(request)
    caller = await identify(request, place)
    request.state.caller = caller
    _limit_rate(request, place, caller, rules)
    if caller is None and not rules.public:
        raise NotSignedIn
    unsafe = request.method not in SAFE
    writes = unsafe and not rules.only_reads
    once: _Once | None = None
    if caller is not None:
        check_scope(caller, changes=writes)
    if unsafe:
        settings = place.settings
        most = settings.upload_limit_bytes if rules.takes_upload else settings.request_limit_bytes
        body = await read_body(request, most)
        read_json(request, body)
        await check_forgery(request, place, caller)
        if writes and caller is not None:
            once = _Once.of(request, caller, body, rules)
    async with (place.writes if writes else place.reads).pass_through():
        answer = await _in_transaction(request, place, inner, writes=writes, once=once)
    return answer if unsafe else _unless_known(request, answer)


def _limit_rate(request: Request, place: Installation, caller: Caller | None, rules: Rules) -> None:
    address = request.client.host if request.client else "unknown"
    rates = place.rates
    if rules.tries_secrets:
        headers = place.buckets.take(rates.credentials, address)
    elif caller is None:
        headers = place.buckets.take(rates.anonymous, address)
    else:
        request.state.actor = caller.principal.actor
        headers = place.buckets.take(rates.signed_in, caller.principal.actor)
    request.state.headers.update(headers)


@dataclass(frozen=True)
class _Once:
    """A request that is to be done once."""

    actor: str
    key: str
    fingerprint: bytes
    secret: bool

    @classmethod
    def of(cls, request: Request, caller: Caller, body: bytes, rules: Rules) -> _Once | None:
        key = idempotency.key_of(request)
        if key is None:
            return None
        return cls(caller.principal.actor, key, idempotency.fingerprint(request, body), rules.shown_once)

    def claim(self, session: Session, place: Installation) -> AnsweredRequest | None:
        now = place.context.clock.now()
        return idempotency.claim(session, self.actor, self.key, self.fingerprint, now=now)

    def keep(self, session: Session, answer: Response) -> None:
        idempotency.keep(session, self.actor, self.key, answer, secret=self.secret)


async def _in_transaction(
    request: Request, place: Installation, inner: Handler, *, writes: bool, once: _Once | None
) -> Response:
    """Run the route between the begin and the commit of one transaction."""
    transaction = Transaction(place.database, writes=writes)
    request.state.session = transaction.session
    try:
        if once is not None:
            first = await run_in_threadpool(once.claim, transaction.session, place)
            if first is not None:
                return idempotency.replay(first)
        answer = await inner(request)
        if answer.status_code < _FIRST_REFUSAL and not is_rehearsal(request):
            if writes:
                await run_in_threadpool(_complete, transaction.session, place, once, answer)
            await transaction.commit()
    finally:
        await transaction.leave()
    return answer


def _complete(session: Session, place: Installation, once: _Once | None, answer: Response) -> None:
    """Write what belongs to a change besides the change itself."""
    if once is not None:
        once.keep(session, answer)
    place.sweeper.sweep(session, now=place.context.clock.now())


def _unless_known(request: Request, answer: Response) -> Response:
    """Answer 304 where the caller already has this revision."""
    known, current = request.headers.get("if-none-match"), answer.headers.get("etag")
    if known is None or current is None or not matches(known, current):
        return answer
    return Response(status_code=304, headers={"ETag": current})
