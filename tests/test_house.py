"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("kernel", "ledger", "inspection", "workflow", "migrations", "api")
LOCKS = ("requirements.lock", "requirements-dev.lock")

LONGEST_MODULE = 450
LONG_MODULES = {
    "api/chain_explorer/schemas.py": "one model for each answer of the explorer, each with its example",
    "contracts/Consortium.sol": "members, keys and founders are one register; a third of it is NatSpec",
    "contracts/MaterialCertificates.sol": "certificates and draws share one storage; a third of it is NatSpec",
    "contracts/ReleaseDecisions.sol": "rules, decisions and corrections share one storage; a third of it is NatSpec",
    "ledger/statements.py": "every typed message in one place, in the order of the contracts",
}
"""Modules that are longer, each with the reason why it is one room and not two."""

LOADED_BY_OTHERS = {
    "coincurve": "eth-keys signs ten times faster where it finds it",
    "psycopg": "SQLAlchemy loads it by the address of the database",
    "python-multipart": "FastAPI reads forms with it",
    "redis": "Celery's broker in production, chosen by its address",
}
"""Packages that no module of ours imports, each with who does."""

MACHINE = re.compile(
    "|".join(
        (
            r"(?<![\w.])/(?:wor" + r"k|roo" + r"t|hom" + r"e/\w+|farm|opt/py" + r"pi)/",
            r"/tmp/bas" + r"h_jobs",
            r"(?:pypi\.or" + r"g|pythonhosted\.or" + r"g|registry\.npm" + r"js|registry\.yarn" + r"pkg)",
            r"index-ur" + r"l\s*=|--extra-index-ur" + r"l",
        )
    )
)
SECRET = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KE" + r"Y|AKI" + r"A[0-9A-Z]{16}|gh[pousr]_\w{36}|xox[abp]-\w{10}"
)


def tracked(*endings: str) -> list[Path]:
    """List the files of the repository, those with certain endings if any are named."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and (not endings or path.suffix in endings)]


def product_modules() -> list[Path]:
    return [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in PRODUCT]


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def lines_matching(pattern: re.Pattern[str], paths: list[Path]) -> Iterator[str]:
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield f"{place(path, number)}: {line.strip()[:100]}"


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def test_time_comes_from_the_clock() -> None:
    asking = {"now", "utcnow", "today"}
    found = [
        place(path, call.lineno)
        for path in product_modules()
        if path != ROOT / "kernel" / "clock.py"
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in asking
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in {"datetime", "date", "dt"}
    ]
    assert found == [], "ask the Clock that is handed in"


def test_no_machine_and_no_registry_is_named() -> None:
    assert list(lines_matching(MACHINE, tracked())) == []


def test_no_secret_is_kept() -> None:
    assert list(lines_matching(SECRET, tracked())) == []


def test_long_modules_have_a_reason() -> None:
    long = {
        str(path.relative_to(ROOT))
        for path in tracked(".py", ".sol", ".js", ".html", ".css")
        if not {"versions", "test", "tests"} & set(path.relative_to(ROOT).parts)
        and len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_MODULE
    }
    assert long == LONG_MODULES.keys(), "divide it, or say in LONG_MODULES why it is one"


def test_every_linter_exception_has_a_reason() -> None:
    exception = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no (cover|branch))")
    codes = r"(noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|type:\s*ignore\[[\w, -]+\]|pragma:\s*no (cover|branch))"
    reasoned = re.compile(rf"#\s*{codes}\s+[#—–-]+\s*\w")
    without = [
        f"{place(path, number)}: {line.strip()}"
        for path in tracked(".py")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if exception.search(line) and not reasoned.search(line)
    ]
    assert without == []


def test_every_ignored_rule_has_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lint = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.isort]")]
    ignored = [line for line in lint.splitlines() if re.match(r'\s+"[A-Z]+\d*",', line)]
    assert ignored
    assert [line for line in ignored if not re.search(r'",\s+# \w', line)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_hold_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--(extra-)?index|--find-links|--trusted-host", text)
    packages = [block for block in re.split(r"\n(?=\S)", text) if "==" in block]
    assert len(packages) > 100
    assert [block.split()[0] for block in packages if "--hash=sha256:" not in block] == []


def test_the_npm_lock_holds_no_addresses() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def locked(name: str) -> dict[str, str]:
    found = re.findall(
        r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
    )
    return {canonicalize_name(package): version for package, version in found}


def test_both_locks_agree_and_satisfy_the_distribution() -> None:
    run, dev = (locked(name) for name in LOCKS)
    assert {name: dev.get(name) for name in run} == run
    wrong = [
        wish
        for wish in run_time_wishes()
        if not Requirement(wish).specifier.contains(run.get(canonicalize_name(Requirement(wish).name), "0"))
    ]
    assert wrong == [], "run `make lock`"


def run_time_wishes() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


def imported_packages() -> dict[str, str]:
    """Map each distribution that the product imports to one place where it does."""
    providers = packages_distributions()
    found: dict[str, str] = {}
    for path in product_modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    modules = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module), level=0):
                    modules = [module]
                case _:
                    continue
            for module in modules:
                for provider in providers.get(module.partition(".")[0], ()):
                    found.setdefault(canonicalize_name(provider), place(path, node.lineno))
    found.pop("piste", None)
    return found


def test_every_package_imported_is_declared() -> None:
    declared = {canonicalize_name(Requirement(wish).name) for wish in run_time_wishes()}
    given = {
        "anyio": "fastapi",
        "cbor2": "webauthn",
        "eth-keys": "eth-account",
        "eth-typing": "web3",
        "eth-utils": "web3",
        "hexbytes": "web3",
        "kombu": "celery",
        "markupsafe": "jinja2",
        "pydantic-core": "pydantic",
        "requests": "web3",
        "rlp": "eth-account",
        "starlette": "fastapi",
    }
    missing = {
        name: where
        for name, where in imported_packages().items()
        if name not in declared and given.get(name) not in declared
    }
    assert missing == {}


def test_every_package_declared_is_used() -> None:
    declared = {canonicalize_name(Requirement(wish).name) for wish in run_time_wishes()}
    assert declared - imported_packages().keys() - LOADED_BY_OTHERS.keys() == set()


def test_every_package_folder_says_what_it_is() -> None:
    folders = {path.parent for path in product_modules()} - {ROOT / "migrations" / "versions"}
    assert [
        str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()
    ] == []


def test_tests_wait_for_conditions_and_replace_nothing_of_ours() -> None:
    """A sleep is only the pause between two looks; mocks of our own code prove nothing."""
    found = []
    for path in tracked(".py"):
        if path.relative_to(ROOT).parts[0] != "tests":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        in_loops = {
            id(inner)
            for loop in ast.walk(tree)
            if isinstance(loop, ast.While | ast.For | ast.AsyncFor)
            for inner in ast.walk(loop)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr="sleep")) if id(node) not in in_loops:
                    found.append(place(path, node.lineno))
                case ast.ImportFrom(module=str(module)) if module.startswith("unittest.mock"):
                    found.append(place(path, node.lineno))
                case ast.ImportFrom(module="unittest", names=names) if any(n.name == "mock" for n in names):
                    found.append(place(path, node.lineno))
                case _:
                    pass
    assert found == []
