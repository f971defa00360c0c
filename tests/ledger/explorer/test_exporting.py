"""The export of the ledger: complete, in order, narrowed on demand, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import orjson
from eth_utils.crypto import keccak
from sqlalchemy import func, select

from ledger.explorer.exporting import COLUMNS, Wanted, csv_lines, harmless, json_lines, records
from ledger.models import ChainBlock, ChainEvent
from tests.ledger.ledgers import one_of_everything
from tests.ledger.world import World


def test_records_are_complete_and_narrowed_on_demand(sqlite_world: World, tmp_path: Path) -> None:
    del tmp_path
    world = sqlite_world
    ids = one_of_everything(world)
    with world.database.read() as session:
        everything = list(records(session, world.deployment, Wanted()))
        assert len(everything) == session.scalar(select(func.count(ChainEvent.id)))
        assert [(one["block"], one["log_index"]) for one in everything] == sorted(
            (one["block"], one["log_index"]) for one in everything
        )
        told = [one["statement_record"] for one in everything if one["statement_record"]]
        assert len(told) == 12
        for one in everything:
            if one["statement_record"]:
                assert (
                    "0x" + keccak(bytes.fromhex(one["statement_record"]["signedBytes"][2:])).hex()
                    == (one["statement"])
                )
        decision = next(one for one in told if one["type"] == "ReleaseDecision")
        assert {one["officer"] for one in decision["signatures"]} == {
            str(world.officers["releasing"]),
            str(world.officers["releasing-2"]),
        }
        assert (decision["leaf"] is None) == (decision["checkpoint"] is None)
        assert next(one for one in told if one["state"] == "refused")["refusal"]["words"]

        of_case = list(records(session, world.deployment, Wanted(case_id=ids["note"])))
        assert [one["event"] for one in of_case if one["event"] != "StatementRecorded"] == [
            "CheckNoteOpened",
            "CheckNoteApproved",
            "GatePassed",
        ]
        of_gate = list(records(session, world.deployment, Wanted(officer_id=world.officers["gate"])))
        assert [one["event"] for one in of_gate] == ["KeyGranted", "StatementRecorded", "GatePassed"]
        last = session.scalars(select(func.max(ChainBlock.timestamp))).one()
        assert not list(records(session, world.deployment, Wanted(since=last + timedelta(seconds=1))))
        assert len(
            list(records(session, world.deployment, Wanted(until=last + timedelta(seconds=1))))
        ) == len(everything)
        written = [orjson.loads(line) for line in json_lines(everything)]
        assert written == everything
        table = list(csv.reader(io.StringIO(b"".join(csv_lines(everything)).decode("utf-8-sig"))))
    assert tuple(table[0]) == COLUMNS
    assert len(table) == len(everything) + 1
    assert all(len(row) == len(COLUMNS) for row in table)
    assert "放行决定已作出" in {row[COLUMNS.index("words_zh")] for row in table}


def test_no_cell_is_a_formula() -> None:
    for cell in ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=x"):
        assert harmless(cell) == "'" + cell
    assert harmless("x=1") == "x=1"
    assert harmless(None) == ""
    assert harmless(7) == "7"
