"""Routes: the evidence log as files, up to its newest checkpoint on the chain (C2SP tlog-tiles).

Hashes are open to everybody, so that anybody who holds a paper can follow the log; entries name cases and take a
sign-in, like every other look-up on the ledger.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from api.foundation.callers import PrincipalOf, SessionOf
from api.foundation.installation import ContextOf
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router, public
from kernel.errors import NotFound
from ledger.evidence.log import tiles_of, tree_head
from ledger.evidence.merkle import EMPTY_ROOT
from ledger.evidence.notes import checkpoint_note
from ledger.evidence.tile_files import ENTRIES, WIDTH, Shelf, parse_index
from ledger.evidence.tiles import TreeHead
from ledger.mirrors import LedgerCheckpoint
from ledger.outbox import signatures_of, statement_by_digest
from ledger.statements import Checkpoint

open_router = api_router("/ledger", "service")
router = api_router("/ledger", "chain_explorer")

FOR_EVER = "public, max-age=31536000, immutable"
FOR_MEMBERS = "private, max-age=31536000, immutable"
UNTIL_THE_NEXT = "public, max-age=5"
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes of the file.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_NOTE = "piste/20260/0x5fbd…\n512\nEK5Y…\n\n— piste/20260/0x5fbd… /x7a…\n"
Level = Annotated[int, Path(ge=0, le=7, description="Level of the tile.")]
File = Annotated[
    str,
    Path(
        max_length=80,
        description="Place of the file as the format writes it, a partial one with its width.",
        examples=["x001/x234/067", "x001/234.p/5"],
    ),
]


@open_router.get(
    "/checkpoint",
    response_class=Response,
    responses={
        200: {
            "description": "A signed note.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": _NOTE}},
        },
        **problem_answers(404),
    },
    summary="Fetch the newest checkpoint as a signed note",
)
@public
def newest_checkpoint(session: SessionOf, context: ContextOf) -> Response:
    """Give the newest checkpoint that the chain holds, in the text form that log clients read."""
    found = _published(session)
    record = statement_by_digest(session, found.statement) if found and found.statement else None
    statement = record.statement() if record is not None else None
    if record is None or not isinstance(statement, Checkpoint):
        raise NotFound(what="checkpoint", name="newest")
    note = checkpoint_note(statement, signatures_of(session, record)[0], context.deployment)
    return Response(note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": UNTIL_THE_NEXT})


@router.get(
    "/tile/entries/{file:path}",
    response_class=Response,
    responses={**_BYTES, **problem_answers(404, 422)},
    summary="Fetch a bundle of entries of the evidence log",
)
def read_entries(session: SessionOf, principal: PrincipalOf, file: File) -> Response:
    """Give the data of up to 256 leaves, each behind its length in two bytes."""
    del principal
    index, width = _place(session, ENTRIES, file)
    return _file(tiles_of(session).bundle(tree_head(session), index, width), FOR_MEMBERS)


@open_router.get(
    "/tile/{level}/{file:path}",
    response_class=Response,
    responses={**_BYTES, **problem_answers(404, 422)},
    summary="Fetch a tile of the evidence log",
)
@public
def read_tile(session: SessionOf, level: Level, file: File) -> Response:
    """Give up to 256 neighbouring hashes of the tree; proofs for any leaf and size can be made of them."""
    index, width = _place(session, level, file)
    return _file(tiles_of(session).tile(tree_head(session), level, index, width), FOR_EVER)


def _published(session: Session) -> LedgerCheckpoint | None:
    return session.scalar(
        select(LedgerCheckpoint).order_by(LedgerCheckpoint.size.desc(), LedgerCheckpoint.id.desc()).limit(1)
    )


def _place(session: Session, shelf: Shelf, file: str) -> tuple[int, int]:
    """Read a file's place; nothing is shown that no checkpoint on the chain covers."""
    newest = _published(session)
    published = TreeHead(newest.size if newest is not None else 0, EMPTY_ROOT)
    level = 0 if isinstance(shelf, str) else shelf
    text, partial, digits = file.partition(".p/")
    index = parse_index(text)
    well_formed = not partial or (digits.isascii() and digits.isdigit() and digits == str(int(digits)))
    width = int(digits) if partial and well_formed else WIDTH
    held = 0
    if index is not None and well_formed and not (partial and width >= WIDTH):
        held = WIDTH if index < published.full(level) else published.width(level)
        held = held if index <= published.full(level) else 0
    if index is None or not 0 < width <= held:
        raise NotFound(what="file", name=f"tile/{shelf}/{file}")
    return index, width


def _file(data: bytes, cache: str) -> Response:
    return Response(data, media_type="application/octet-stream", headers={"Cache-Control": cache})
