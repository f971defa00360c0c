"""What nothing that does this work can exceed here: signatures, hashes, questions to the node, rows into PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256

import coincurve
import psycopg
from sqlalchemy.engine import make_url

from bench.figures import Figure
from bench.ledger.stage import Size, Stage, progress

BUSY_S = 0.5
ROW = ("x" * 64, 20260, "0x" + "ab" * 32, '{"quantity": "10", "reserved": "1000", "committed": "10"}')


def measure(stage: Stage, size: Size) -> list[Figure]:
    """Measure each limit alone."""
    progress("limits: bare operations")
    key, digest = coincurve.PrivateKey(), bytes(range(32))
    signature, node = key.sign_recoverable(digest, hasher=None), bytes(65)

    def recover() -> None:
        coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)

    def hash_() -> None:
        sha256(node).digest()

    return [
        Figure(
            "limit_core_share",
            _core_share(),
            "",
            "what a busy loop gets of a core; below 1 others are busy too",
        ),
        Figure("limit_recoveries_per_s", _rate(recover, size.tries), "1/s", "secp256k1, coincurve, one core"),
        Figure("limit_sha256_per_s", _rate(hash_, size.tries), "1/s", "65 bytes, hashlib, one core"),
        Figure(
            "limit_round_trips_per_s",
            _rate(stage.chain.chain_id, size.tries // 10),
            "1/s",
            "JSON-RPC over loopback, one at a time",
        ),
        Figure(
            "limit_copy_rows_per_s", _copied(stage, size.tries * 10), "1/s", "PostgreSQL COPY, rows of a log"
        ),
    ]


def _core_share() -> float:
    begun, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < BUSY_S:
        pass
    return BUSY_S / (time.perf_counter() - begun)


def _rate(do: Callable[[], object], count: int) -> float:
    begun = time.perf_counter()
    for _ in range(count):
        do()
    return count / (time.perf_counter() - begun)


def _copied(stage: Stage, count: int) -> float:
    address = make_url(stage.world.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        connection.execute("CREATE TEMPORARY TABLE rows (name text, number bigint, hash text, values json)")
        begun = time.perf_counter()
        with connection.cursor().copy("COPY rows FROM STDIN") as copy:
            for _ in range(count):
                copy.write_row(ROW)
        return count / (time.perf_counter() - begun)
