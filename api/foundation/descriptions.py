"""The interface's description (OpenAPI 3.1), with security schemes and examples, and its page for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.foundation.installation import Installation
from api.foundation.problems import problem_answers
from api.foundation.tokens import SCOPES

ADDRESS = "/api/v1/openapi.json"
_JSON = "application/json"
_METHODS = ("get", "post", "put", "patch", "delete")
_INTRODUCTION = """\
Paperless clearance of Games material. Every decision is signed by whoever took it, enforced by a contract and
provable to anyone.

**Who calls.** Programs fetch a bearer token with their client id and secret at `POST /api/v1/token` (OAuth 2.0
client credentials); persons sign in with a passkey. A browser session's changes carry `X-CSRF-Token`.

**Signed actions.** `POST …/actions/{event}/statement` with the action's parameters gives the statement to sign:
its digest (EIP-712), the typed data and `signed_at`. `POST …/actions/{event}` takes the same parameters with
`signed_at` and `signature`. The step takes effect when the ledger has recorded it; until then the case names it as
`pending_event`.

**Doing things once.** Send a fresh `Idempotency-Key` with each change; the same request sent again gets the first
answer. **Trying first.** `?dry_run=true` on a filing route gives the faults that filing would have, with
suggestions, and writes nothing. **Not overwriting others.** `ETag` is the revision; send it back as `If-Match`.
**Lists** come newest first in pages of at most 200, by cursor. **Refusals** are problem details (RFC 9457) that name
every fault at once, in the language of `Accept-Language` (en, zh).
"""


def describe(app: FastAPI, place: Installation) -> dict[str, Any]:
    """Make the description of all JSON routes."""
    description = get_openapi(
        title="Piste",
        version=app.version,
        openapi_version="3.1.0",
        summary="Clearance of Games material",
        description=_INTRODUCTION,
        routes=app.routes,
        tags=[{"name": door.name, "description": door.description} for door in place.doors],
        servers=[{"url": place.settings.origin}],
    )
    components = description.setdefault("components", {})
    components["securitySchemes"] = {
        "client": {
            "type": "oauth2",
            "description": "For programs. Scopes limit a token; roles come from the client.",
            "flows": {"clientCredentials": {"tokenUrl": "/api/v1/token", "scopes": SCOPES}},
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-piste_session" if place.secure else "piste_session",
            "description": "For persons who signed in with a passkey; changes need X-CSRF-Token besides.",
        },
    }
    schemas: Mapping[str, Any] = components.get("schemas", {})
    for _, _, operation in operations(description):
        _refuse_in_our_way(operation)
        for answer in operation.get("responses", {}).values():
            _add_example(answer.get("content", {}).get(_JSON), schemas)
        _add_example(operation.get("requestBody", {}).get("content", {}).get(_JSON), schemas)
    for name in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(name, None)
    return description


def _refuse_in_our_way(operation: dict[str, Any]) -> None:
    """Replace the framework's own description of wrong parameters."""
    told = operation["responses"].get("422", {})
    schema = told.get("content", {}).get(_JSON, {}).get("schema", {})
    if schema.get("$ref", "").endswith("/HTTPValidationError"):
        ours = problem_answers(422)[422]
        operation["responses"]["422"] = {key: ours[key] for key in ("description", "content")}


def operations(description: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give every operation as (method, path, operation)."""
    for path, item in description["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def _add_example(content: dict[str, Any] | None, schemas: Mapping[str, Any]) -> None:
    """Put the example that a model carries beside the place where it is used."""
    if content is None or "example" in content or "examples" in content:
        return
    found = example_of(content.get("schema", {}), schemas)
    if found is not None:
        content["example"] = found


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Find the example of a schema; a page of a list shows one item."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[-1]]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("type") == "array":
        item = example_of(schema.get("items", {}), schemas)
        return None if item is None else [item]
    properties = schema.get("properties", {})
    if set(properties) == {"items", "next"}:
        items = example_of(properties["items"], schemas)
        return None if items is None else {"items": items, "next": None}
    return None


def by_door(description: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Arrange the operations by door, for the page."""
    doors: dict[str, list[dict[str, Any]]] = {}
    for method, path, operation in operations(description):
        for door in operation.get("tags", ["service"]):
            doors.setdefault(door, []).append(_shown(method, path, operation))
    return doors


def _shown(method: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    answers = operation["responses"]
    return {
        "method": method,
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "public": operation.get("security") == [],
        "parameters": operation.get("parameters", []),
        "body": next((content.get("example") for content in body.values()), None),
        "body_type": next(iter(body), ""),
        "answer": next(
            (
                content.get("example")
                for status, answer in answers.items()
                if status.startswith("2")
                for content in answer.get("content", {}).values()
            ),
            None,
        ),
        "answers": [(status, answer["description"]) for status, answer in answers.items()],
    }
