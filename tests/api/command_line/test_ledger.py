"""`piste ledger` on an installation with a node of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from api.command_line.main import app
from kernel.database import Database
from kernel.settings import Settings
from ledger.chain.deployment import deployment_file
from ledger.chain.installation import RELAY_KEY, relay_account
from ledger.chain.node import EmbeddedNode
from ledger.mirrors import LedgerLine
from ledger.models import StatementRecord
from tests.ledger.ledgers import one_of_everything
from tests.ledger.world import World, make_world

runner = CliRunner()


@dataclass
class Installed:
    """An installation whose node runs."""

    data_dir: Path
    world: World
    node: EmbeddedNode

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a command; give exit code and output."""
        result = runner.invoke(app, ["--data-dir", str(self.data_dir), "ledger", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output


@pytest.fixture
def installed(
    tmp_path: Path,
    fresh_database: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Installed]:
    """Set one up with one of everything on its ledger."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    settings = Settings(data_dir=data_dir)
    address = fresh_database("sqlite")
    monkeypatch.setenv("PISTE_DATABASE_URL", address)
    monkeypatch.setenv("PISTE_FINALITY", "immediate")
    relay_account(settings.data_dir)
    node = EmbeddedNode(data_dir)
    node.start()
    world = make_world(node.chain, Database(address))
    (data_dir / "keys" / f"{RELAY_KEY}.json").write_text(
        orjson.dumps({"kind": "secp256k1", "secret": bytes(world.account.key).hex()}).decode()
    )
    one_of_everything(world)
    world.deployment.save(deployment_file(data_dir))
    yield Installed(data_dir, world, node)
    world.database.dispose()
    node.stop()


def test_check_and_rebuild(installed: Installed, fresh_database: Callable[[str], str]) -> None:
    code, said = installed.run("check")
    assert (code, "Equal" in said) == (0, True), said
    code, said = installed.run("check", "--json")
    told = orjson.loads(said)
    assert (code, told["result"], told["differences"]) == (0, "equal", [])
    assert told["checked"]["counts"]["statements"] == 12

    into = fresh_database("sqlite")
    code, said = installed.run("rebuild", "--into", into)
    assert code == 0, said
    assert "11 recorded and 1 refused" in said
    assert "Not restored" in said
    code, said = installed.run("rebuild", "--into", into)
    assert (code, "not empty" in said) == (1, True)

    code, said = installed.run("export", "--out", str(installed.data_dir / "all.jsonl"))
    assert code == 0, said
    here = [orjson.loads(line) for line in (installed.data_dir / "all.jsonl").read_bytes().splitlines()]
    assert len({one["statement"] for one in here if one["statement_record"]}) == 12
    evidence = str(installed.world.database.evidence)
    alone = ("export", "--node", installed.world.chain.url, "--evidence", evidence)
    code, said = installed.run(*alone, "--out", str(installed.data_dir / "alone.jsonl"))
    assert code == 0, said
    assert without_cases(installed.data_dir / "alone.jsonl") == without_cases(
        installed.data_dir / "all.jsonl"
    )
    gate = str(installed.world.officers["gate"])
    code, said = installed.run("export", "--format", "csv", "--officer", gate, "--since", "2020-01-01")
    assert (code, said.count("GatePassed")) == (0, 1)
    code, said = installed.run("export", "--node", installed.world.chain.url, "--deployment", "nowhere.json")
    assert (code, "nowhere.json" in said) == (1, True)

    with installed.world.database.write() as session:
        session.execute(update(LedgerLine).values(committed=7))
        session.execute(update(StatementRecord).values(contract="Other"))
    code, said = installed.run("check")
    assert code == 1
    assert "mirror.differs" in said
    assert "statement.differs" in said
    code, said = installed.run("check", "--json")
    told = orjson.loads(said)
    assert (code, told["result"]) == (1, "different")
    assert {one["code"] for one in told["differences"]} >= {"mirror.differs", "view.differs"}

    installed.node.stop()
    code, said = installed.run("check")
    assert (code, "Not checked" in said) == (2, True)
    code, said = installed.run("check", "--json")
    told = orjson.loads(said)
    assert (code, told["result"], told["fault"]["code"]) == (2, "unchecked", "ledger.unavailable")


def without_cases(path: Path) -> list[dict[str, Any]]:
    """Read an export without what only this installation knew: cases, and leaves that are found by them."""
    found = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    for one in found:
        one.pop("case")
        for name in ("case", "leaf", "checkpoint"):
            (one["statement_record"] or {}).pop(name, None)
    return found
