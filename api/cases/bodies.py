"""Bodies of requests: content that a process reads itself, and steps with their signature."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from api.foundation.refusals import MalformedRequest
from workflow.engine.schemas import ActionInput, Input, SignatureInput

_WORD = "0x" + "5b" * 32
SIGNATURE_EXAMPLE = {"key_id": _WORD, "signature": "0x" + "1c" * 65}


class ReadByProcess:
    """Marks a body that goes to the process as it came and is shown in the interface's description as a model.

    The process reads the input itself, so that it names every fault at once: those of single fields, and those
    that only show between them.

    Args:
        model: What the process reads the body as.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take whatever comes."""
        del source, handler
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Show the model."""
        del schema
        return handler(self._model.__pydantic_core_schema__)


def json_only(body: object) -> object:
    """Refuse a body that is not JSON.

    Raises:
        MalformedRequest: Its Content-Type says that it is something else, or nothing.
    """
    if isinstance(body, bytes):
        raise MalformedRequest(fault="Content-Type: application/json")
    return body


class Signed(Input):
    """What every signed step carries besides its own parameters."""

    signature: SignatureInput = Field(
        description="Over the digest of the statement that `…/statement` gave for the same body."
    )


class SignedStep(Signed, ActionInput):
    """A step with the signature of whoever takes it."""


def body_example(value: object, media_type: str = "application/json") -> dict[str, Any]:
    """Give what puts an example of the body into the description of an operation (`openapi_extra`)."""
    return {"requestBody": {"content": {media_type: {"example": value}}}}


def signed_example(**parameters: object) -> dict[str, Any]:
    """Give an example of a signed step's body."""
    return {**parameters, "signed_at": "2026-02-03T08:00:00Z", "signature": SIGNATURE_EXAMPLE}
