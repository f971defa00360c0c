"""Around every request: its trace id, the headers that keep browsers safe, one line in the log."""

from __future__ import annotations

import re
import secrets
import time
from contextlib import suppress

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.foundation.pages import refusal_page, wants_page
from api.foundation.problems import problem_response
from api.foundation.refusals import InternalFault

TRACE_HEADER = "X-Trace-Id"
_TRACE_PARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_SECRET_PATH = re.compile(r"^(/enrol/).+")
_SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), "
        "geolocation=(), payment=()"
    ),
}
_TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"

log = structlog.get_logger()


class Tracing:
    """The outermost layer of the service.

    Args:
        app: What answers.
        secure: Whether people reach the service over https.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = _SAFE_HEADERS | ({"Strict-Transport-Security": _TRANSPORT_SECURITY} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["trace_id"] = trace_id = _trace_id(Headers(scope=scope).get("traceparent", ""))
        state["headers"] = {}
        status, began = 0, time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(MutableHeaders(raw=message["headers"]), trace_id, state["headers"])
            await send(message)

        with structlog.contextvars.bound_contextvars(trace_id=trace_id):
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception as fault:
                log.exception("request.broke", path=_shown(scope), fault=type(fault).__name__)
                if status:
                    raise
                answer = _apology(scope, trace_id)
                await answer(scope, receive, send_with_headers)
            finally:
                log.info(
                    "request",
                    method=scope["method"],
                    path=_shown(scope),
                    status=status,
                    took_ms=round((time.perf_counter() - began) * 1000, 1),
                    actor=state.get("actor"),
                )

    def _complete(self, headers: MutableHeaders, trace_id: str, more: dict[str, str]) -> None:
        headers[TRACE_HEADER] = trace_id
        for name, value in (self._headers | more).items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", "private, no-cache" if "etag" in headers else "no-store")


def _apology(scope: Scope, trace_id: str) -> Response:
    """Say that something broke: to a person by a page, unless it is the frame of all pages that breaks."""
    request, refusal = Request(scope), InternalFault(trace_id=trace_id)
    if wants_page(request):
        with suppress(Exception):
            return refusal_page(request, refusal)
    return problem_response(request, refusal)


def _trace_id(parent: str) -> str:
    """Go on with the trace that a caller has begun (W3C Trace Context), or begin one."""
    found = _TRACE_PARENT.fullmatch(parent)
    return found[1] if found else secrets.token_hex(16)


def _shown(scope: Scope) -> str:
    """Give the path as it may stand in a log: without the secret of a one-time link."""
    return _SECRET_PATH.sub(r"\1…", scope["path"])
