"""What goes in and out at the customs officers' door alone."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from api.cases.bodies import SIGNATURE_EXAMPLE
from api.cases.examination import NamedAnomaly, Option
from api.cases.views import Words
from workflow.engine.schemas import Input, Output, SignatureInput, example


class Countersignature(Input):
    """The second officer's signature over the statement that the first one signed."""

    model_config = example({"signed_at": "2026-02-03T08:00:00Z", "signature": SIGNATURE_EXAMPLE})

    signed_at: AwareDatetime | None = Field(
        default=None, description="As given with the statement; the statement holds it in any case."
    )
    signature: SignatureInput


class Retraction(Input):
    """A wish to take a release back before its second signature; it has no parameters."""

    model_config = example({})


class TableRow(Output):
    """For this anomaly, these dispositions."""

    anomaly: NamedAnomaly
    allowed: list[Option]
    because: Words


class DispositionTable(Output):
    """The decision table: a person picks only among what it allows for every anomaly of a hold."""

    model_config = example(
        {
            "items": [
                {
                    "anomaly": {
                        "name": "packages_differ",
                        "words": {"en": "The number of packages differs", "zh": "件数不符"},
                    },
                    "allowed": [
                        {
                            "name": "release_with_amendment",
                            "outcome": 2,
                            "words": {
                                "en": "Release after the declaration is amended",
                                "zh": "修改申报后放行",
                            },
                        }
                    ],
                    "because": {
                        "en": "What is declared must be what is there.",
                        "zh": "申报内容须与实货一致。",
                    },
                }
            ]
        }
    )

    items: list[TableRow] = Field(description="In the order of the table.")
