"""Many files at once: folders read through, files judged on all cores, what cannot be read told and passed over."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ledger.verifier.anchor import TrustAnchor
from ledger.verifier.papers import MOST_PDF_BYTES
from ledger.verifier.procedure import verify
from ledger.verifier.results import Outcome, Result

ENDINGS = frozenset({".json", ".pdf", ".txt"})
"""In a folder only these are looked at: release notes, bundles and copies, texts of QR codes."""
EXIT_CODES = {
    Outcome.VALID: 0,
    Outcome.ALTERED: 1,
    Outcome.UNKNOWN_ISSUER: 2,
    Outcome.REVOKED: 3,
    Outcome.NOT_YET_RECORDED: 4,
}
COULD_NOT_BEGIN, NOT_READ = 5, 6
FEW = 200
"""So many are judged sooner here than other processes are started."""
AT_ONCE = 64
"""Files that a process takes at a time."""
AHEAD = 4
"""Parts that wait for each process, so that memory stays flat whatever the number of files."""


@dataclass(frozen=True)
class Judged:
    """What became of one file."""

    file: Path
    result: Result | None
    fault: str = ""
    """Why it could not be read, where it could not."""


def files_in(named: Sequence[Path]) -> tuple[list[Path], int]:
    """Give the files named, and those of folders named by their endings; and how many others lie in the folders.

    Links to folders are not followed; a folder that cannot be read stands among the files, so that its turn says so.
    """
    files: list[Path] = []
    others = 0

    def cannot(fault: OSError) -> None:
        files.append(Path(fault.filename))

    for path in named:
        if not path.is_dir():
            files.append(path)
            continue
        for folder, folders, names in os.walk(path, onerror=cannot):
            folders.sort()
            taken = [name for name in sorted(names) if Path(name).suffix.lower() in ENDINGS]
            files += [Path(folder, name) for name in taken]
            others += len(names) - len(taken)
    return files, others


def judge(files: Sequence[Path], trust: bytes, processes: int | None = None) -> Iterator[Judged]:
    """Judge files one after the other in their order, on all cores where they are many.

    Args:
        files: Regular files; of one that cannot be read it is said why, and the next is taken.
        trust: The trust anchor's bytes.
        processes: How many work; as many as there are cores where left out.

    Raises:
        TrustAnchorMalformed: Before anything is judged.
    """
    anchor = TrustAnchor.from_bytes(trust)
    processes = processes or len(os.sched_getaffinity(0))
    if len(files) < FEW or processes == 1:
        return (_judged(file, anchor) for file in files)
    return _in_parallel(files, trust, processes)


def _in_parallel(files: Sequence[Path], trust: bytes, processes: int) -> Iterator[Judged]:
    # Started anew, not forked: whoever calls may have threads.
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[list[Judged]]] = deque()
    with ProcessPoolExecutor(processes, context, _begin, (trust,)) as pool:
        for start in range(0, len(files), AT_ONCE):
            waiting.append(pool.submit(_part, files[start : start + AT_ONCE]))
            if len(waiting) > AHEAD * processes:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


_anchors: list[TrustAnchor] = []
"""Of this process, where it is one of many."""


def _begin(trust: bytes) -> None:
    _anchors.append(TrustAnchor.from_bytes(trust))


def _part(files: Sequence[Path]) -> list[Judged]:
    return [_judged(file, _anchors[0]) for file in files]


def _judged(file: Path, anchor: TrustAnchor) -> Judged:
    try:
        if not file.is_file() and file.exists():
            return Judged(file, None, "not a file that can be read")
        with file.open("rb") as stream:
            # One byte more than any proof has is enough to call it too large.
            data = stream.read(MOST_PDF_BYTES + 1)
    except OSError as fault:
        return Judged(file, None, fault.strerror or str(fault))
    return Judged(file, verify(data, anchor))


def worst(outcomes: Sequence[Outcome | None]) -> int:
    """Give the exit code of the gravest outcome; not having been read (none) is the mildest of all faults."""
    codes = [EXIT_CODES[outcome] for outcome in outcomes if outcome and outcome is not Outcome.VALID]
    return min(codes, default=NOT_READ if None in outcomes else 0)
