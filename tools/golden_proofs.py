"""Write golden files of one version of the proof formats: made once, checked in, judged the same for ever.

    python tools/golden_proofs.py tests/verifier/golden/v1

Refuses to write where files are: a golden file is never made anew.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ledger.verifier import TrustAnchor, verify
from tests.verifier.cases import every_case, trusts
from tests.verifier.scene import NOW, Scene
from tests.workflow.release.test_papers import note
from workflow.release.papers import release_note_pdf

LARGEST = 100_000


def main(folder: Path) -> None:
    """Write trust anchors, cases and what is to be said of each."""
    if any(folder.glob("*.json")):
        sys.exit(f"{folder} holds golden files already.")
    scene = Scene()
    anchors = trusts(scene)
    for name, data in anchors.items():
        (folder / f"trust-{name}.json").write_bytes(data)
    entries = []
    for case in every_case(scene):
        result = verify(case.data, TrustAnchor.from_bytes(anchors[case.trust]))
        if str(result.reason) != case.reason:
            sys.exit(f"{case.name} is {result.reason}, not {case.reason}.")
        if len(case.data) > LARGEST:
            continue
        name = f"{case.name}.{_ending(case.data)}"
        (folder / name).write_bytes(case.data)
        entries.append(
            {"file": name, "trust": case.trust, "outcome": str(result.outcome), "reason": case.reason}
        )
    made_at = datetime.fromtimestamp(NOW + 30, UTC)
    (folder / "release-note.pdf").write_bytes(
        release_note_pdf(note(), made_at=made_at, time_zone="Asia/Shanghai")
    )
    entries.append({"file": "release-note.pdf", "trust": "strict", "outcome": "valid", "reason": "valid"})
    (folder / "expected.json").write_text(json.dumps({"cases": entries}, indent=1) + "\n", encoding="utf-8")
    print(f"{len(entries)} golden files in {folder}")


def _ending(data: bytes) -> str:
    if data.startswith(b"%PDF-"):
        return "pdf"
    return "json" if data.startswith(b"{") else "txt"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
