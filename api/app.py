"""The doors put together: one application for JSON routes and pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from api.foundation import descriptions, health, manual
from api.foundation.doors import Door, find_doors
from api.foundation.installation import Installation
from api.foundation.limits import Rates
from api.foundation.pages import STATIC, refusal_page, template_environment, wants_page
from api.foundation.problems import problem_response
from api.foundation.refusals import (
    AddressUnknown,
    ChangedMeanwhile,
    DatabaseUnavailable,
    MalformedRequest,
    MethodNotAllowed,
)
from api.foundation.tokens import TokenOffice, server_secret
from api.foundation.tracing import Tracing
from kernel.database import Database
from kernel.errors import Invalid, PisteError
from kernel.settings import Settings, load_settings
from kernel.validation import faults_from
from ledger.chain.client import LedgerUnavailable
from ledger.chain.installation import open_chain
from workflow.engine.context import Context, installed_context

NOT_FOUND, NOT_ALLOWED = 404, 405

log = structlog.get_logger()


def create_app(
    settings: Settings | None = None,
    *,
    context: Context | None = None,
    rates: Rates | None = None,
    doors: tuple[Door, ...] | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        settings: What is installed; read from the environment where not given.
        context: What the services work with; made from the settings where not given.
        rates: How fast callers may send.
        doors: The ways in; all that there are where not given.

    Raises:
        DeploymentUnknown: The contracts of this installation were not deployed yet.
    """
    if not structlog.is_configured():
        _log_plainly()
    settings = settings or (context.settings if context else load_settings())
    place = _installation(settings, context, rates or Rates(), find_doors() if doors is None else doors)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        yield
        place.database.dispose()

    app = FastAPI(
        title="Piste",
        version=version("piste"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.installation = place
    app.add_middleware(Tracing, secure=place.secure)
    _handle_refusals(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(health.router)
    app.include_router(manual.router)
    for door in place.doors:
        for router in door.routers:
            app.include_router(router)
    _describe(app, place)
    return app


def _log_plainly() -> None:
    """Write JSON lines where nobody has set up the logs; structlog's own default shows the values of variables."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )


def _installation(
    settings: Settings, context: Context | None, rates: Rates, doors: tuple[Door, ...]
) -> Installation:
    return Installation(
        settings=settings,
        database=Database(settings.database, evidence=settings.evidence),
        context=context or installed_context(settings),
        tokens=TokenOffice(
            server_secret(settings.data_dir), settings.origin, timedelta(minutes=settings.token_minutes)
        ),
        doors=doors,
        templates=template_environment(doors, settings.site_time_zone),
        rates=rates,
        node_answers=lambda: _node_answers(settings),
    )


def _node_answers(settings: Settings) -> bool:
    try:
        open_chain(settings).head()
    except LedgerUnavailable:
        return False
    return True


def _describe(app: FastAPI, place: Installation) -> None:
    """Make the description once, when it is first asked for."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(descriptions.describe(app, place))
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _handle_refusals(app: FastAPI) -> None:
    for kind in (
        PisteError,
        RequestValidationError,
        HTTPException,
        StaleDataError,
        IntegrityError,
        OperationalError,
        InterfaceError,
        PoolTimeout,
    ):
        app.add_exception_handler(kind, _refuse)


async def _refuse(request: Request, fault: Exception) -> Response:
    """Answer every refusal in the one way that all doors have."""
    refusal = _refusal_of(request, fault)
    if wants_page(request):
        return refusal_page(request, refusal)
    answer = problem_response(request, refusal)
    if isinstance(fault, HTTPException) and fault.headers:
        answer.headers.update(fault.headers)
    return answer


def _refusal_of(request: Request, fault: Exception) -> PisteError:
    match fault:
        case PisteError():
            return fault
        case RequestValidationError():
            return _faults_of(fault)
        case HTTPException():
            return _of_http(request, fault)
        case StaleDataError() | IntegrityError():
            log.warning("request.changed-meanwhile", fault=str(fault)[:500])
            return ChangedMeanwhile()
        case _:
            log.error("request.database-unavailable", exc_info=fault)
            return DatabaseUnavailable()


def _of_http(request: Request, fault: HTTPException) -> PisteError:
    if fault.status_code == NOT_FOUND:
        return AddressUnknown(path=request.url.path)
    if fault.status_code == NOT_ALLOWED:
        allowed = (fault.headers or {}).get("Allow", "")
        return MethodNotAllowed(path=request.url.path, method=request.method, allowed=allowed)
    return MalformedRequest(fault=str(fault.detail))


def _faults_of(fault: RequestValidationError) -> PisteError:
    """Name every fault; a place in the body is a JSON pointer, elsewhere it begins with query, path or header."""
    errors = fault.errors()
    return Invalid(
        found=tuple(
            found
            for error in errors
            for found in faults_from([error], skip=1 if error["loc"][:1] == ("body",) else 0)
        )
    )
