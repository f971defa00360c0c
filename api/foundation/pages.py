"""Pages: templates in the caller's language, notes that survive a redirect, refusals as pages."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

import api
from api.foundation.doors import Door, Entry
from api.foundation.installation import Installation, installation_of
from api.foundation.languages import NAMES, Voice, language_of, other
from api.foundation.problems import headers_of, problem_of
from api.foundation.refusals import status_of
from kernel.errors import Kind, PisteError, Text
from workflow.parties.service import SignedIn

STATIC = Path(api.__path__[0]) / "static"
_TEMPLATES = Path(api.__path__[0]) / "templates"
_NOTE = "piste_note"
_SHORT = 8


def template_environment(doors: tuple[Door, ...], time_zone: str) -> Environment:
    """Make the environment of all templates: the shared ones, and each door's under its name."""
    environment = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader(_TEMPLATES),
                PrefixLoader({door.name: FileSystemLoader(door.templates) for door in doors}),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    zone = ZoneInfo(time_zone)

    def moment(value: datetime | None) -> Markup:
        return _moment(value, zone)

    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    environment.filters |= {"moment": moment, "short": short}
    return environment


def page(request: Request, template: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - whatever the template shows
    """Render a page.

    Every template knows: `say(en, zh)` or `say(text)`, `language`, `person` (`SignedIn` or None), `entries` of the
    menu, `path` and `address` of this page, `origin`; the filters `moment` (a time in the site's zone) and `short`
    (the beginning of bytes or of a 0x-string).
    """
    place = installation_of(request)
    language = language_of(request)
    person = person_of(request)
    note = _note(request, place)
    content = place.templates.get_template(template).render(
        say=Voice(language),
        language=language,
        other_language=other(language),
        other_language_name=NAMES[other(language)],
        person=person,
        entries=_entries(place, person),
        path=request.url.path,
        address=_address(request),
        origin=place.settings.origin,
        note=note,
        **values,
    )
    answer = HTMLResponse(content, status)
    answer.headers["Content-Language"] = language
    answer.headers["Vary"] = "Accept-Language, Cookie"
    if note:
        answer.delete_cookie(_NOTE, path="/")
    return answer


def refusal_page(request: Request, refusal: PisteError) -> Response:
    """Answer a refusal to a person; who is not signed in is led to the sign-in page."""
    if refusal.kind is Kind.UNAUTHENTICATED and request.method == "GET":
        return RedirectResponse(f"/sign-in?next={quote(_address(request), safe='')}", 303)
    answer = page(
        request,
        "refusal.html",
        status=status_of(refusal),
        problem=problem_of(request, refusal),
        back=_back(request),
    )
    answer.headers.update(headers_of(request, refusal))
    return answer


def go(request: Request, address: str, note: Text | None = None) -> RedirectResponse:
    """Lead on to another page after a change, with a note that is shown there once."""
    place = installation_of(request)
    answer = RedirectResponse(address, 303)
    if note is not None:
        sealed = place.tokens.seal(
            {"note": note.in_language(language_of(request))}, now=place.context.clock.now()
        )
        answer.set_cookie(
            _NOTE, sealed, max_age=120, path="/", secure=place.secure, httponly=True, samesite="lax"
        )
    return answer


def own_address(wanted: str | None) -> str:
    """Give an address to lead on to, if it is one of ours; the first page otherwise."""
    if wanted is None or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(wanted)
    return "/" if parts.scheme or parts.netloc or "\\" in wanted or not wanted.isprintable() else wanted


def wants_page(request: Request) -> bool:
    """Tell whether a refusal is to be a page: the route is one, or a browser asked for no route at all."""
    route = request.scope.get("route")
    if route is not None:
        return bool(getattr(route, "is_page", False))
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def person_of(request: Request) -> SignedIn | None:
    """Give the person in the browser; None where nobody is signed in or a program calls."""
    caller = getattr(request.state, "caller", None)
    return None if caller is None else caller.session


def short(value: bytes | str) -> str:
    """Give the beginning of a digest or identifier, as people compare them."""
    digits = value.hex() if isinstance(value, bytes) else value.removeprefix("0x")
    return f"0x{digits[:_SHORT]}…"


def _moment(value: datetime | None, zone: ZoneInfo) -> Markup:
    if value is None:
        return Markup("")
    local = value.astimezone(zone)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(), f"{value:%Y-%m-%d %H:%M:%S} UTC", f"{local:%Y-%m-%d %H:%M}"
    )


def _entries(place: Installation, person: SignedIn | None) -> list[Entry]:
    if person is None:
        return []
    roles = person.principal.roles
    return [
        entry
        for door in place.doors
        for entry in door.entries
        if entry.shown_to(roles, administrator=person.administrator)
    ]


def _note(request: Request, place: Installation) -> str:
    sealed = request.cookies.get(_NOTE)
    if not sealed:
        return ""
    opened = place.tokens.open_note(sealed, now=place.context.clock.now())
    return str(opened.get("note", "")) if opened else ""


def _address(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}"


def _back(request: Request) -> str:
    came_from = urlsplit(request.headers.get("referer", ""))
    return own_address(came_from.path) if came_from.netloc == request.url.netloc else "/"
