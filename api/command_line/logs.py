"""Structured logs: one JSON object a line, secrets left out, files cut to size."""

from __future__ import annotations

import logging
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import structlog
from structlog.typing import Processor

from kernel.settings import Settings

WITHHELD = "[withheld]"
_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|secret|token|authori[sz]ation|cookie|private|credential|(^|_)(api_?)?key$|(^|_)seed($|_)",
    re.IGNORECASE,
)
_SECRET_TEXT = (
    (re.compile(r"(?P<before>\w+://[^/\s:@]*:)[^@\s/]+(?=@)"), rf"\g<before>{WITHHELD}"),
    (re.compile(r"(?P<before>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\g<before>{WITHHELD}"),
    (
        re.compile(
            r"(?P<before>\b(?:password|secret|client_secret|token|access_token|link)=)[^&\s\"']+",
            re.IGNORECASE,
        ),
        rf"\g<before>{WITHHELD}",
    ),
)
_DEEPEST = 6
LARGEST_BYTES = 10 * 1024 * 1024
KEPT = 3


def configure_logging(settings: Settings, process: str) -> None:
    """Write all logs of this process, the libraries' too, as JSON lines to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _named(process),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                withhold_secrets,
                structlog.processors.JSONRenderer(serializer=_to_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for talkative in ("httpx", "httpcore", "urllib3", "web3", "kombu", "fontTools", "weasyprint"):
        logging.getLogger(talkative).setLevel("WARNING")
    logging.captureWarnings(capture=True)


def withhold_secrets(
    logger: object, method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace what is named like a secret, and what looks like one inside texts."""
    del logger, method
    return {name: _cleaned(name, value, 0) for name, value in entry.items()}


def _cleaned(name: str, value: object, depth: int) -> object:
    if _SECRET_NAME.search(name) and not isinstance(value, bool):
        return WITHHELD
    if isinstance(value, str):
        for pattern, replacement in _SECRET_TEXT:
            value = pattern.sub(replacement, value)
        return value
    if depth >= _DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {str(key): _cleaned(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned("", item, depth + 1) for item in value]
    return value


def _named(process: str) -> Processor:
    def add(logger: object, method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        del logger, method
        entry["process"] = process
        return entry

    return add


def _to_json(entry: object, **options: object) -> str:
    del options
    return orjson.dumps(entry, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


def rotate(path: Path, *, largest_bytes: int = LARGEST_BYTES, kept: int = KEPT) -> bool:
    """Move a log that has grown too large aside and go on with an empty file; tell whether it was.

    The content is copied and the file cut, because the process that writes holds it open (and writes at its
    end).
    """
    with suppress(FileNotFoundError):
        if path.stat().st_size <= largest_bytes:
            return False
        for number in range(kept - 1, 0, -1):
            with suppress(FileNotFoundError):
                _older(path, number).rename(_older(path, number + 1))
        shutil.copyfile(path, _older(path, 1))
        with path.open("r+b") as stream:
            stream.truncate(0)
        return True
    return False


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def tail(path: Path, lines: int) -> list[str]:
    """Give the last lines of a log, oldest first; nothing where there is no log."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(stream.tell() - 400 * max(lines, 1) - 4096, 0))
            text = stream.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-lines:] if lines else []


def follow(paths: Mapping[str, Path], *, ended: Callable[[], bool]) -> Iterator[tuple[str, str]]:
    """Give lines written from now on to several logs, with the name of the log, until told to end."""
    return _follow(paths, {name: _size(path) for name, path in paths.items()}, ended)


def _follow(
    paths: Mapping[str, Path], places: dict[str, int], ended: Callable[[], bool]
) -> Iterator[tuple[str, str]]:
    while not ended():
        quiet = True
        for name, path in paths.items():
            for line in _new_lines(name, path, places):
                quiet = False
                yield name, line
        if quiet:
            time.sleep(0.25)


def _new_lines(name: str, path: Path, places: dict[str, int]) -> list[str]:
    size = _size(path)
    if size < places[name]:
        places[name] = 0  # the log was cut
    if size == places[name]:
        return []
    with path.open("rb") as stream:
        stream.seek(places[name])
        text = stream.read()
    whole = text[: text.rfind(b"\n") + 1]
    places[name] += len(whole)
    return whole.decode(errors="replace").splitlines()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def readable(line: str) -> str:
    """Write one log line for people: time, level, what happened, with what."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line
    if not isinstance(entry, dict):
        return line
    at = str(entry.pop("at", ""))[11:19]
    level = str(entry.pop("level", ""))
    what = str(entry.pop("event", ""))
    entry.pop("process", None)
    entry.pop("logger", None)
    trace = entry.pop("exception", None)
    facts = " ".join(f"{name}={value}" for name, value in entry.items())
    return f"{at} {level:<8} {what}" + (f"  {facts}" if facts else "") + (f"\n{trace}" if trace else "")
