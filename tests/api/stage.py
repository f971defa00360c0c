"""Cases in every state that matters, set up once for tests that only look at them or do not mind a change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from api.app import create_app
from kernel.archive import FolderArchive
from kernel.clock import ManualClock
from kernel.settings import Settings
from tests.api.cast import Cast, Json
from tests.api.world import DEPLOYMENT, Server, World
from tests.workflow.builders.check_notes import check_note_content
from workflow.engine.context import Context


@dataclass
class Stage:
    """An application with cases in it."""

    cast: Cast
    ids: dict[str, str] = field(default_factory=dict)
    """The cases by what they are there for."""

    def set(self) -> None:
        """Bring the cases into their states."""
        cast, ids = self.cast, self.ids
        ids["draft"] = cast.certificate(until="draft")["id"]
        ids["submitted"] = cast.certificate(until="under_committee_review")["id"]
        returned = cast.certificate(until="under_committee_review")["id"]
        cast.go(cast.committee, f"/certificates/{returned}/actions/return_to_firm", reason="x")
        ids["returned"] = returned
        ids["approved"] = cast.certificate(until="committee_approved")["id"]
        active = cast.certificate()
        ids["active"] = active["id"]
        ids["declared"] = cast.declaration(certificate=active)["id"]
        ids["filed"] = cast.declaration(certificate=active, until="document_examination")["id"]
        ids["ready"] = cast.declaration(certificate=active, until="guarantee")["id"]
        ids["private_paper"] = self._paper_of(ids["declared"])
        ids["paper"] = self._paper_of(ids["filed"])
        ids["hold"] = cast.hold(ids["filed"])["id"]
        ids["examination"] = cast.examination(ids["filed"])["id"]
        ids["waiting"] = self._waiting(active)
        ids["note"] = self._note(ids["filed"])["id"]
        applied = self._note(ids["filed"])
        cast.go(cast.broker, f"/check-notes/{applied['id']}/actions/apply")
        ids["applied_note"] = applied["id"]

    def reading(self) -> Json:
        """Give a reading that is expected."""
        return {
            "quantity": "gamma_dose_rate",
            "declaration": self.ids["filed"],
            "stage": "portal",
            "instrument": "RPM",
            "calibration": {
                "certificate_no": "1",
                "calibrated_at": "2026-01-01T00:00:00Z",
                "valid_until": "2027-01-01T00:00:00Z",
            },
            "measured_at": "2026-02-03T08:00:00Z",
            "reading_usv_h": "0.1",
            "background_usv_h": ["0.1"] * 5,
        }

    def _paper_of(self, declaration_id: str) -> str:
        listed = self.cast.broker.get(f"/declarations/{declaration_id}/documents").json()["items"]
        found: str = listed[0]["id"]
        return found

    def _waiting(self, certificate: Json) -> str:
        """Bring a declaration to where it waits for the second officer."""
        cast = self.cast
        case = cast.declaration(certificate=certificate, until="document_examination")
        ordered = cast.examination(case["id"])
        cast.go(cast.inspector, f"/examinations/{ordered['id']}/actions/report", result="conform")
        cast.clear(case["id"])
        assert cast.releasing_officer.act(f"/declarations/{case['id']}/actions/release").status_code == 202
        found: str = case["id"]
        return found

    def _note(self, declaration_id: str) -> Json:
        item = {"declaration_id": declaration_id, "line_no": 1, "quantity": "1"}
        note: Json = self.cast.broker.post("/check-notes", check_note_content(item)).json()
        return note


@contextmanager
def staged(address: str, folder: Path) -> Iterator[Stage]:
    """Serve an application with its stage set.

    Args:
        address: A fresh database.
        folder: Data folder.
    """
    server = Server()
    try:
        context = Context(
            settings=Settings(data_dir=folder, database_url=address, port=server.port),
            archive=FolderArchive(folder / "archive"),
            deployment=DEPLOYMENT,
            clock=ManualClock(datetime(2026, 2, 3, 8, tzinfo=UTC)),
        )
        app = create_app(context=context)
        server.start(app)
        world = World(app, app.state.installation.database, context)
        stage = Stage(Cast(world))
        stage.set()
        yield stage
        world.close()
    finally:
        server.stop()


def copied(template: Path, folder: Path) -> str:
    """Give the address of a fresh SQLite database."""
    shutil.copyfile(template, folder / "piste.sqlite3")
    return f"sqlite:///{folder / 'piste.sqlite3'}"
