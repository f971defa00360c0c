"""Filing rehearsed: the draft is made and its first signed step prepared, up to the signature; then all is undone."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.responses import Response

from api.cases.desks import Desk
from api.cases.views import Look
from api.foundation.problems import FaultOut, faults_out
from kernel.errors import Language, PisteError
from workflow.engine.cases import Case
from workflow.engine.schemas import Output, example
from workflow.engine.steps import rehearse_step


class Rehearsal(Output):
    """The content would be taken, and so would the step that files it."""

    model_config = example(
        {
            "accepted": True,
            "step": "submit",
            "still_needed": [
                {
                    "field": "",
                    "rule": "declaration.documents-missing",
                    "message": "These documents are not attached yet: invoice, packing list.",
                    "next_step": "Attach them, then sign.",
                    "suggestions": [],
                }
            ],
        }
    )

    accepted: bool = Field(description="Always true: what would be refused is a refusal here too.")
    step: str = Field(description="The signed step that was rehearsed, up to the signature.")
    still_needed: list[FaultOut] = Field(
        description="What the step needs besides and what can only come after the draft is there."
    )


REHEARSED: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Rehearsal,
        "description": "With `dry_run`: it would be taken. Nothing was written.",
    }
}


def rehearse(
    look: Look, desk: Desk, case: Case, event: str, language: Language, *later: type[PisteError]
) -> Response:
    """Go with a draft as far as a signature, and say what is still needed.

    Args:
        look: Session, context and who asks; the door undoes what is written here.
        desk: The kind of case.
        case: The draft, as it was just made or changed.
        event: The signed step that files it.
        language: Of the words.
        later: Refusals about what can only come after the draft.

    Raises:
        PisteError: Whatever filing would be refused for.
    """
    needed = rehearse_step(look.session, look.context, look.principal, desk.kind, case, event, later)
    faults = [fault for refusal in needed for fault in refusal.faults()]
    told = Rehearsal(accepted=True, step=event, still_needed=faults_out(faults, language))
    return Response(
        told.model_dump_json(), media_type="application/json", headers={"Content-Language": language}
    )
