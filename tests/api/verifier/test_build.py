"""The page as it is checked in: what its sources make, one file, and nothing that could reach a network."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.test_house import ROOT

PAGE = ROOT / "api" / "verifier" / "verify.html"


@pytest.mark.contracts
def test_the_page_is_what_its_sources_make(tmp_path: Path) -> None:
    made = tmp_path / "verify.html"
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["node", str(ROOT / "api" / "verifier" / "source" / "build.js"), str(made)],
        check=True,
        capture_output=True,
        env=os.environ | {"PATH": path},
    )
    assert made.read_bytes() == PAGE.read_bytes(), "run `npm run build:verifier`"


def test_the_policy_names_exactly_what_stands_in_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules
    assert rules["img-src"] == "data: blob:"
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(script) == len(style) == 1
    assert rules["script-src"] == source_hash(script[0])
    assert rules["style-src"] == source_hash(style[0])


def test_the_page_loads_nothing() -> None:
    text = PAGE.read_text(encoding="utf-8")
    markup = re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="([^"#]+)"', markup) == [
        *re.findall(r'href="(data:image/svg[^"]+)"', markup),
        "/verify",
        "/api/v1/trust-anchor",
    ]
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|importScripts|eval\(", text)
    assert len(text.encode()) < 400_000


def source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
