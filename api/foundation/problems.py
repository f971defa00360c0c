"""Refusals as problem details (RFC 9457), in the caller's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api.foundation.languages import language_of
from api.foundation.refusals import RETRY_AFTER_S, TITLES, InternalFault, TooManyRequests, status_of
from kernel.errors import Fault, Kind, Language, PisteError

MEDIA_TYPE = "application/problem+json"


class SuggestionOut(BaseModel):
    """A value that could stand where the fault is."""

    value: str
    meaning: str


class FaultOut(BaseModel):
    """One thing wrong with one field."""

    field: str = Field(description="JSON pointer into the input; an XPath where the input was XML.")
    rule: str
    message: str
    next_step: str
    suggestions: list[SuggestionOut] = Field(
        description="What was probably meant, the likeliest first; empty where nothing is obvious."
    )


class Problem(BaseModel):
    """Why a request was refused: every fault found, each naming field, rule and what to do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "https://piste.example/problems/input.invalid",
                    "title": "The input has faults",
                    "status": 422,
                    "detail": "The input has 1 fault(s).",
                    "instance": "/api/v1/organisations",
                    "code": "input.invalid",
                    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                    "faults": [
                        {
                            "field": "/registration_number",
                            "rule": "identifier.check-digit",
                            "message": "Unified social credit code 9111…341X has a wrong check digit.",
                            "next_step": "One of its characters was mistyped: compare it with the document.",
                            "suggestions": [
                                {"value": "91110000600037341L", "meaning": "Unified social credit code"}
                            ],
                        }
                    ],
                }
            ]
        }
    )

    type: str = Field(description="Address of a page that explains the code.")
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    faults: list[FaultOut]


def trace_id_of(request: Request) -> str:
    """Give the name under which this request stands in the logs."""
    return str(getattr(request.state, "trace_id", ""))


def problem_of(request: Request, refusal: PisteError) -> Problem:
    """Put a refusal into words for this caller."""
    language = language_of(request)
    status = status_of(refusal)
    return Problem(
        type=f"{request.app.state.installation.settings.origin}/problems/{refusal.code}",
        title=TITLES[status].in_language(language),
        status=status,
        detail=refusal.words().in_language(language),
        instance=request.url.path,
        code=refusal.code,
        trace_id=trace_id_of(request),
        faults=faults_out(refusal.faults(), language),
    )


def faults_out(faults: Sequence[Fault], language: Language) -> list[FaultOut]:
    """Put faults into words of one language."""
    return [
        FaultOut(
            field=fault.field,
            rule=fault.rule,
            message=fault.message.in_language(language),
            next_step=fault.next_step.in_language(language),
            suggestions=[
                SuggestionOut(value=one.value, meaning=one.meaning.in_language(language))
                for one in fault.suggestions
            ],
        )
        for fault in faults
    ]


def headers_of(request: Request, refusal: PisteError) -> dict[str, str]:
    """Give the headers that go with a refusal."""
    headers = {"Cache-Control": "no-store", "Content-Language": language_of(request)}
    if refusal.kind is Kind.UNAUTHENTICATED:
        tried = request.headers.get("authorization", "").lower().startswith("bearer")
        headers["WWW-Authenticate"] = 'Bearer realm="Piste"' + (', error="invalid_token"' if tried else "")
    if isinstance(refusal, TooManyRequests):
        headers["Retry-After"] = str(refusal.retry_after_s)
    elif refusal.kind is Kind.UNAVAILABLE and not isinstance(refusal, InternalFault):
        headers["Retry-After"] = str(getattr(refusal, "retry_after_s", RETRY_AFTER_S))
    if refusal.kind is Kind.TOO_LARGE:
        headers["Connection"] = "close"
    return headers


def problem_response(request: Request, refusal: PisteError) -> Response:
    """Answer a refusal to a program."""
    return Response(
        problem_of(request, refusal).model_dump_json(),
        status_of(refusal),
        headers=headers_of(request, refusal),
        media_type=MEDIA_TYPE,
    )


_WORDS = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "Not permitted",
    404: "Not found",
    409: "Not possible as things stand, or changed meanwhile",
    412: "Changed since the revision in If-Match",
    413: "Too large",
    422: "The input has faults; all of them are named",
    429: "Too many requests",
    503: "Not available at the moment",
}


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe refusals for the interface's description: `responses=problem_answers(404, 409)`."""
    example = Problem.model_json_schema()["examples"][0]
    return {
        status: {
            "model": Problem,
            "description": _WORDS[status],
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": example
                    | {"status": status, "title": TITLES[status].en}
                    | ({} if status == 422 else _EXAMPLES[status]),  # noqa: PLR2004 - an HTTP status
                }
            },
        }
        for status in statuses
    }


def _example(code: str, detail: str, next_step: str) -> dict[str, Any]:
    fault = {"field": "", "rule": code, "message": detail, "next_step": next_step, "suggestions": []}
    return {
        "code": code,
        "detail": detail,
        "faults": [fault],
        "type": f"https://piste.example/problems/{code}",
    }


_EXAMPLES: dict[int, dict[str, Any]] = {
    400: _example(
        "request.malformed-json",
        "The body is not JSON: Expecting value at character 0.",
        "Send well-formed JSON with Content-Type: application/json.",
    ),
    401: _example(
        "access.not-signed-in",
        "You are not signed in.",
        "Sign in with your passkey, or send a valid bearer token.",
    ),
    403: _example(
        "access.not-permitted",
        "Your roles do not allow: Release.",
        "Ask somebody who holds one of: releasing officer.",
    ),
    404: _example("input.not-found", "There is no such certificate.", "Check the name."),
    409: _example(
        "case.transition-refused",
        "A certificate that is active cannot take the step submit.",
        "Possible now: revoke.",
    ),
    412: _example(
        "case.revision-stale",
        "The case changed while you looked at it (it is at revision 4, you saw 3).",
        "Read it again and decide on what it says now.",
    ),
    413: _example("request.too-large", "The body is larger than 2097152 bytes.", "Send less at once."),
    429: _example("request.too-many", "You sent too many requests.", "Wait 3 s and go on more slowly."),
    503: _example(
        "service.database-unavailable",
        "The database does not answer at the moment; nothing was written.",
        "Send the same request again, with the same Idempotency-Key.",
    ),
}
