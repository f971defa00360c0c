"""The contracts as running Piste needs them: interface and creation code, compiled beforehand.

`npm run build` writes `artifacts.json` from the Solidity sources; a test compiles them again and compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypedDict

import orjson

CONTRACT_NAMES: Final = (
    "CheckNotes",
    "Consortium",
    "ERC7913P256Verifier",
    "ERC7913WebAuthnVerifier",
    "EvidenceLog",
    "Inbox",
    "MaterialCertificates",
    "ReleaseDecisions",
)


@dataclass(frozen=True)
class Artifact:
    """One compiled contract."""

    name: str
    abi: list[dict[str, Any]]
    """Functions, events and errors, as the compiler lists them."""
    bytecode: bytes
    """Creation code; constructor arguments go behind it."""


@dataclass(frozen=True)
class CompilerSettings:
    """What the compiler says that it did, the same for every contract."""

    version: str
    """With the commit, such as `0.8.37+commit.f401782d`."""
    evm_version: str
    """The oldest hard fork that a node must have."""
    optimizer_enabled: bool
    optimizer_runs: int
    via_ir: bool
    bytecode_hash: str
    """Which hash of the sources stands at the end of the code; `none`, so that file names do not matter."""


class _Entry(TypedDict):
    abi: list[dict[str, Any]]
    bytecode: str


class _Package(TypedDict):
    compiler: dict[str, Any]
    contracts: dict[str, _Entry]


def load_artifact(name: str) -> Artifact:
    """Load one contract.

    Raises:
        KeyError: No contract of this name is packaged; `CONTRACT_NAMES` has them all.
    """
    entry = _package()["contracts"][name]
    return Artifact(name=name, abi=entry["abi"], bytecode=bytes.fromhex(entry["bytecode"].removeprefix("0x")))


def compiler_settings() -> CompilerSettings:
    """Tell how the packaged contracts were compiled."""
    compiler = _package()["compiler"]
    return CompilerSettings(
        version=compiler["version"],
        evm_version=compiler["evmVersion"],
        optimizer_enabled=compiler["optimizer"]["enabled"],
        optimizer_runs=compiler["optimizer"]["runs"],
        via_ir=compiler["viaIR"],
        bytecode_hash=compiler["bytecodeHash"],
    )


@cache
def _package() -> _Package:
    package: _Package = orjson.loads(files(__name__).joinpath("artifacts.json").read_bytes())
    return package
