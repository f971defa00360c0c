"""JSON route: the trust anchor."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.foundation.callers import SessionOf
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router, public
from api.verifier.trusting import handed_out, tag_of

router = api_router("", "verifier")

_EXAMPLE = {
    "chainId": 20260206,
    "format": "piste-trust-v1",
    "founders": [
        {
            "name": {"en": "Customs", "zh": "海关"},
            "organisation": "0x" + "2b" * 16 + "00" * 16,
            "signer": "0x" + "7e" * 20,
        }
    ],
    "known": {"changes": [], "checkpoint": 128, "corrections": []},
    "name": {"en": "Piste", "zh": "Piste无纸化通关"},
    "threshold": 1,
    "witnesses": 2,
}


@router.get(
    "/trust-anchor",
    summary="Take the trust anchor",
    response_class=Response,
    responses={
        200: {
            "description": "The trust anchor, RFC 8785 JSON; the entity tag changes with it.",
            "content": {"application/json": {"example": _EXAMPLE}},
        },
        **problem_answers(409),
    },
)
@public
def read_trust_anchor(request: Request, session: SessionOf) -> Response:
    """Give what a verifier trusts: network, founding members, and the revocations and corrections known by now.

    Whoever takes it from here trusts this service once. Compare its fingerprint (SHA-256 of the answer) with the one
    that a founding member tells.
    """
    data = handed_out(request, session)
    return Response(
        data,
        media_type="application/json",
        headers={"ETag": tag_of(data), "Cache-Control": "public, no-cache"},
    )
