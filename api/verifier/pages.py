"""The verifier's page: the file as it is checked in, with this installation's trust anchor put into it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.foundation.callers import SessionOf
from api.foundation.routes import page_router, public
from api.verifier.trusting import handed_out, tag_of, within_markup
from kernel.errors import PisteError

router = page_router()

PAGE = Path(__file__).parent / "verify.html"
_PLACE = '<script type="application/json" id="trust-anchor">null</script>'
_POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]+)"')
_PERMISSIONS = "camera=(self), microphone=(), geolocation=(), payment=()"


@dataclass(frozen=True)
class Built:
    """The page as the build wrote it, cut where the trust anchor goes."""

    before: str
    after: str
    policy: str


@router.get("/verify")
@public
def verifier_page(request: Request, session: SessionOf) -> HTMLResponse:
    """Show the page that judges papers; without an anchor where this installation cannot make one."""
    built = _built()
    try:
        anchor = within_markup(handed_out(request, session))
    except PisteError:
        anchor = "null"
    content = built.before + _PLACE.replace("null", anchor) + built.after
    headers = {
        "Cache-Control": "public, no-cache",
        "Content-Security-Policy": f"{built.policy}; frame-ancestors 'none'",
        "ETag": tag_of(content.encode()),
        "Permissions-Policy": _PERMISSIONS,
    }
    return HTMLResponse(content, headers=headers)


@lru_cache(maxsize=1)
def _built() -> Built:
    before, _, after = PAGE.read_text(encoding="utf-8").partition(_PLACE)
    policy = _POLICY.search(before)
    if policy is None or not after:
        raise ValueError(PAGE)
    return Built(before, after, policy[1])
