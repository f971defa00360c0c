"""What the tests of inspection share: the example dossiers, each scan read once a run, builders."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from inspection.documents.desk import DocumentKind, ReadDocument, read_document
from inspection.instruments.calibration import Calibration

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SLUGS = ("timing-equipment", "waxes", "medical-device")


@cache
def dossier_of(slug: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / slug / "dossier.json").read_text(encoding="utf-8"))
    return found


def documents() -> list[tuple[str, dict[str, Any]]]:
    return [(slug, document) for slug in SLUGS for document in dossier_of(slug)["documents"]]


@pytest.fixture(scope="session")
def read_example() -> Callable[[str, str], ReadDocument]:
    """Read a scan of a dossier; a second call for the same scan costs nothing."""

    @cache
    def read(slug: str, file: str) -> ReadDocument:
        kind = next(
            document["kind"] for document in dossier_of(slug)["documents"] if document["file"] == file
        )
        return read_document((EXAMPLES / slug / file).read_bytes(), DocumentKind(kind))

    return read


@pytest.fixture
def calibration() -> Calibration:
    return Calibration(
        certificate_no="NIM-2026-RP-0417",
        calibrated_at=datetime(2026, 1, 1, tzinfo=UTC),
        valid_until=datetime(2026, 12, 31, tzinfo=UTC),
    )


MEASURED = datetime(2026, 2, 3, 8, 0, tzinfo=UTC)
