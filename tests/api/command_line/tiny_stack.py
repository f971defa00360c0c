"""A stack of tiny processes, for tests of the supervisor: real processes with nothing of Piste in them."""

from __future__ import annotations

import sys

from api.command_line.beats import Health
from api.command_line.processes import ProcessSpec, beat_of
from kernel.settings import Settings

_BEATS = """
import pathlib, time
beat = pathlib.Path({beat!r})
while True:
    beat.touch()
    time.sleep(0.2)
"""
_STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + _BEATS
_WITH_CHILD = (
    """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
"""
    + _BEATS
)
_CRASHES = "import sys, time; print('no bread today', file=sys.stderr, flush=True); sys.exit(3)"
_SERVES = """
import pathlib, socket, time
server = socket.create_server(("127.0.0.1", {port}))
beat = pathlib.Path({beat!r})
while True:
    beat.touch()
    time.sleep(0.2)
"""
_RECOVERS = (
    """
import pathlib, sys
bread = pathlib.Path({bread!r})
if not bread.exists():
    print("no bread yet", file=sys.stderr, flush=True)
    sys.exit(3)
"""
    + _BEATS
)


def _process(settings: Settings, name: str, program: str, **more: object) -> ProcessSpec:
    beat = beat_of(settings, name)
    text = program.format(beat=str(beat), port=settings.port, bread=str(settings.data_dir / "bread"))

    def health(settings: Settings) -> Health:
        return Health(well=beat_of(settings, name).exists(), says="beats" if beat.exists() else "is silent")

    return ProcessSpec(name, f"the test's {name}", (sys.executable, "-c", text), health, **more)  # type: ignore[arg-type]  # passed on as it came


def steady(settings: Settings) -> tuple[ProcessSpec, ...]:
    """Two that live, one on top of the other."""
    return (
        _process(settings, "ground", _BEATS),
        _process(settings, "upper", _WITH_CHILD, after=("ground",)),
    )


def crashing(settings: Settings) -> tuple[ProcessSpec, ...]:
    """One that lives, one that dies whenever it starts."""
    return (_process(settings, "ground", _BEATS), _process(settings, "crasher", _CRASHES))


def recovering(settings: Settings) -> tuple[ProcessSpec, ...]:
    """One that lives as soon as a file is there."""
    return (_process(settings, "baker", _RECOVERS),)


def stubborn(settings: Settings) -> tuple[ProcessSpec, ...]:
    """One that does not end when asked."""
    return (_process(settings, "mule", _STUBBORN, stop_within_s=0.5),)


def serving(settings: Settings) -> tuple[ProcessSpec, ...]:
    """One that listens on the settings' port."""
    return (_process(settings, "server", _SERVES, port=lambda settings: settings.port),)
