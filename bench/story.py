"""Story 1 through a whole stack of its own, against the sum of the parts that cannot be left out.

The unavoidable parts, measured in the same run on the same stack: checking each signature once, one node round trip
(send, mine, receipt) for each statement, reading each scan once. What is beyond that is ours to shorten: polling,
finality of the embedded node, hand-over between processes, HTTP, the database.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account

from api.command_line.demo.cast import Company
from api.command_line.demo.dossiers import Dossier, load_dossiers
from api.command_line.demo.run import KEYS_PATIENCE_S, examples_folder
from api.command_line.demo.stories import Do, Outcome, Story
from api.command_line.demo.verdicts import verify_story
from api.command_line.main import embedded
from bench.figures import Figure, tell
from inspection.documents.desk import read_document
from inspection.documents.schema import DocumentKind
from kernel.database import Database
from kernel.errors import Text
from kernel.settings import Settings
from ledger.chain.installation import open_chain
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.signing import Secp256k1Signer, sign_with, verify_signature
from workflow.engine.context import Context, installed_context

ROUNDS = 20


class MeaninglessFigure(Exception):
    """Something that was timed did not do what it should; its time means nothing."""


@dataclass(frozen=True)
class Told:
    """What the story took."""

    steps: list[tuple[str, float]]
    outcome: Outcome
    statements: int

    @property
    def seconds(self) -> float:
        """All steps together."""
        return sum(seconds for _, seconds in self.steps)


def measure() -> Sequence[Figure]:
    """Run the story and its unavoidable parts."""
    with tempfile.TemporaryDirectory(prefix="piste-bench-") as folder, _stack(Path(folder)) as settings:
        context = installed_context(settings)
        dossier = load_dossiers(examples_folder())[0]
        told = _tell_story(settings, context, dossier)
        signature_s = _signature_check_s(context)
        round_trip_s = _node_round_trip_s(settings)
        ocr_s = _reading_s(dossier)
    unavoidable = told.statements * (signature_s + round_trip_s) + ocr_s
    figures = [
        Figure("story_s", told.seconds, "s", "unavoidable_s"),
        Figure("unavoidable_s", unavoidable, "s", "signatures + node round trips + OCR, each once"),
        Figure("story_ratio", told.seconds / unavoidable, "×", "1 would be the physical limit"),
        Figure(
            "steps_per_s",
            len(told.steps) / told.seconds,
            "1/s",
            f"{len(told.steps) / unavoidable:.2f} at the limit",
        ),
        Figure("statements", told.statements, "", "recorded on the chain"),
        Figure("signature_check_s", signature_s, "s", "one, mean of secp256k1 and passkey"),
        Figure("node_round_trip_s", round_trip_s, "s", "one transaction sent, mined, receipt read"),
        Figure("ocr_s", ocr_s, "s", "all scans of the dossier, once, warm"),
    ]
    return figures + [Figure(f"step: {name}", seconds, "s", "") for name, seconds in told.steps]


@contextmanager
def _stack(folder: Path) -> Iterator[Settings]:
    """A stack of its own, in a folder of its own, on free ports."""
    os.environ |= {"PISTE_DATA_DIR": str(folder), "PISTE_DEMO": "1", "PISTE_PORT": str(_free_port())}
    settings = Settings()
    stack = embedded(settings)
    stack.up(watch=lambda _: None, tell=lambda _: None)
    try:
        yield settings
    finally:
        stack.stop(watch=lambda _: None, tell=lambda _: None)


def _tell_story(settings: Settings, context: Context, dossier: Dossier) -> Told:
    database = Database(settings.database, evidence=settings.evidence)
    company = Company(settings, context, database)
    members = company.assemble(dossier)
    company.await_keys(KEYS_PATIENCE_S)
    cast = company.sign_in(members, settings.origin)
    database.dispose()
    steps: list[tuple[str, float]] = []

    def run(words: Text, do: Do) -> None:
        begun = time.perf_counter()
        do()
        steps.append((words.en, time.perf_counter() - begun))

    outcome = Story(dossier, cast, run).run()
    verdicts = verify_story(cast.auditor, outcome, lambda: None)
    if not all(verdict.good for verdict in verdicts):
        raise MeaninglessFigure(outcome.dossier.slug)
    return Told(steps, outcome, len(verdicts))


def _signature_check_s(context: Context) -> float:
    """One check off the chain, seconds, mean of the two kinds that the story uses most."""
    digest = bytes(range(32))
    plain = Secp256k1Signer.generate()
    passkey = SoftwarePasskey("localhost", context.settings.origin).signer_on(context.deployment)
    signed = [sign_with(plain, digest), sign_with(passkey, digest)]
    begun = time.perf_counter()
    for _ in range(ROUNDS):
        for one in signed:
            if not verify_signature(one.signer, digest, one.signature, context.deployment):
                raise MeaninglessFigure(one.signer.hex())
    return (time.perf_counter() - begun) / ROUNDS / len(signed)


def _node_round_trip_s(settings: Settings) -> float:
    """One bare transaction on the stack's own node, seconds."""
    chain = open_chain(settings)
    account = Account.create()
    begun = time.perf_counter()
    for nonce in range(ROUNDS):
        chain.send_and_wait(account, nonce=nonce, to=account.address, data=b"", gas=21_000)
    return (time.perf_counter() - begun) / ROUNDS


def _reading_s(dossier: Dossier) -> float:
    """All scans once, seconds; the models are loaded before."""
    scans = [
        (dossier.file(paper["file"]), DocumentKind(paper["kind"]))
        for paper in [*dossier.papers(1), dossier.letter()]
    ]
    read_document(*scans[0])
    begun = time.perf_counter()
    for data, kind in scans:
        read_document(data, kind)
    return time.perf_counter() - begun


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(tell("Story 1 against its unavoidable parts", measure))
