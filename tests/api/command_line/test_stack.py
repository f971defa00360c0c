"""The supervisor on real processes: started, killed, restarted, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from api.command_line.processes import ProcessSpec, run_folder
from api.command_line.stack import PortTaken, ProcessView, Stack, StackNotWell
from api.command_line.supervisor import MARK, live_pid, write_json
from kernel.settings import Settings
from tests.api.command_line import tiny_stack

PATIENCE_S = 60.0
Table = Callable[[Settings], tuple[ProcessSpec, ...]]


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_S:.0f} s in vain: {what}")
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def marked(settings: Settings) -> list[psutil.Process]:
    """Find every living process of the stack."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(run_folder(settings)):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(autouse=True)
def _tests_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervising process imports the tiny table from the checkout."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))


@pytest.fixture
def settings(data_dir: Path) -> Settings:
    return Settings(data_dir=data_dir, port=free_port())


@pytest.fixture
def stack_of(settings: Settings) -> Iterator[Callable[[Table], Stack]]:
    made: list[Stack] = []

    def make(table: Table) -> Stack:
        stack = Stack(settings, table=f"{tiny_stack.__name__}:{table.__name__}", processes=table)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.stop()
    assert marked(settings) == []


def views(stack: Stack) -> dict[str, ProcessView]:
    return {view.state.name: view for view in stack.status()}


def pid_of(stack: Stack, name: str) -> int:
    return views(stack)[name].state.pid or 0


def all_run(stack: Stack) -> bool:
    return all(view.state.state == "running" for view in stack.status())


def test_up_starts_everything_and_a_second_up_changes_nothing(stack_of: Callable[[Table], Stack]) -> None:
    stack = stack_of(tiny_stack.steady)
    first = stack.up()
    assert [state.state for state in first] == ["running", "running"]
    second = stack.up()
    assert [state.pid for state in second] == [state.pid for state in first]
    memory_mb = views(stack)["ground"].memory_mb
    assert memory_mb is not None
    assert memory_mb > 1


def test_up_with_other_settings_starts_the_stack_anew(
    stack_of: Callable[[Table], Stack], settings: Settings
) -> None:
    stack = stack_of(tiny_stack.steady)
    told: list[str] = []
    before = {state.pid for state in stack.up(tell=told.append)}
    assert {state.pid for state in stack.up(tell=told.append)} == before
    assert told == []
    changed = Stack(
        settings.model_copy(update={"port": free_port()}),
        table=f"{tiny_stack.__name__}:serving",
        processes=tiny_stack.serving,
    )
    after = changed.up(tell=told.append)
    assert [state.name for state in after] == ["server"]
    assert len(told) == 1
    assert "settings have changed" in told[0]
    assert {view.state.name for view in stack.status()} == {"ground", "upper", "server"}
    assert set(stack.logs()) == {"ground", "upper", "server", "supervisor"}


def test_what_stands_on_another_starts_after_it(stack_of: Callable[[Table], Stack]) -> None:
    states = {state.name: state for state in stack_of(tiny_stack.steady).up()}
    assert (states["upper"].since or 0) > (states["ground"].since or 0)


def test_stop_ends_everything_and_says_whether_there_was_anything(
    stack_of: Callable[[Table], Stack], settings: Settings
) -> None:
    stack = stack_of(tiny_stack.steady)
    assert not stack.stop()
    stack.up()
    assert len(marked(settings)) >= 4  # the supervisor, two processes and a child of one
    assert stack.stop()
    assert marked(settings) == []
    assert {view.state.state for view in stack.status()} == {"stopped"}


def test_a_killed_process_is_started_again_and_its_children_do_not_stay(
    stack_of: Callable[[Table], Stack],
) -> None:
    stack = stack_of(tiny_stack.steady)
    stack.up()
    victim = psutil.Process(pid_of(stack, "upper"))
    until(lambda: bool(victim.children()), "the process has a child")
    child = victim.children()[0]
    other = pid_of(stack, "ground")
    victim.kill()
    until(lambda: all_run(stack) and pid_of(stack, "upper") != victim.pid, "it runs again")
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert pid_of(stack, "ground") == other
    assert views(stack)["upper"].state.restarts == 1


def test_killed_as_a_whole_it_goes_on_at_the_next_up(
    stack_of: Callable[[Table], Stack], settings: Settings
) -> None:
    stack = stack_of(tiny_stack.steady)
    stack.up()
    before = marked(settings)
    for process in before:
        process.kill()
    psutil.wait_procs(before, timeout=PATIENCE_S)
    assert {view.state.state for view in stack.status()} == {"stopped"}
    stack.up()
    assert all_run(stack)


def test_orphans_of_a_killed_supervisor_are_replaced(
    stack_of: Callable[[Table], Stack], settings: Settings
) -> None:
    stack = stack_of(tiny_stack.steady)
    stack.up()
    orphan = pid_of(stack, "ground")
    supervisor = psutil.Process(live_pid(run_folder(settings) / "supervisor.pid") or 0)
    supervisor.kill()
    supervisor.wait(timeout=PATIENCE_S)
    orphaned = views(stack)["ground"].state
    assert (orphaned.state, orphaned.pid) == ("stopped", orphan)
    assert "without its supervisor" in orphaned.says
    stack.up()
    assert all_run(stack)
    assert pid_of(stack, "ground") != orphan
    until(lambda: not psutil.pid_exists(orphan), "the orphan is gone")


def test_a_process_that_keeps_dying_is_named_with_the_end_of_its_log(
    stack_of: Callable[[Table], Stack],
) -> None:
    stack = stack_of(tiny_stack.crashing)
    with pytest.raises(StackNotWell) as caught:
        stack.up()
    assert caught.value.names == "crasher"
    assert "no bread today" in caught.value.tails["crasher"]
    states = views(stack)
    assert states["ground"].state.state == "running"
    assert "exit code 3" in states["crasher"].state.says


def test_up_tries_again_at_once_what_had_failed(
    stack_of: Callable[[Table], Stack], settings: Settings
) -> None:
    stack = stack_of(tiny_stack.recovering)
    with pytest.raises(StackNotWell):
        stack.up()
    (settings.data_dir / "bread").touch()
    stack.up()
    assert all_run(stack)


def test_what_does_not_end_when_asked_is_killed(
    stack_of: Callable[[Table], Stack], settings: Settings
) -> None:
    stack = stack_of(tiny_stack.stubborn)
    stack.up()
    assert stack.stop()
    assert marked(settings) == []


def test_a_port_taken_by_another_program_is_refused_with_its_name(
    stack_of: Callable[[Table], Stack], settings: Settings
) -> None:
    with socket.create_server(("127.0.0.1", settings.port)), pytest.raises(PortTaken) as caught:
        stack_of(tiny_stack.serving).up()
    assert caught.value.port == settings.port
    assert str(os.getpid()) in caught.value.holder
    assert caught.value.setting == "PISTE_PORT"


def test_the_own_port_is_no_obstacle_to_a_second_up(stack_of: Callable[[Table], Stack]) -> None:
    stack = stack_of(tiny_stack.serving)
    stack.up()
    stack.up()


def test_two_ups_at_once_start_one_stack(stack_of: Callable[[Table], Stack], settings: Settings) -> None:
    stack = stack_of(tiny_stack.steady)
    told: list[str] = []
    pids: list[list[int | None]] = []

    def up() -> None:
        pids.append([state.pid for state in stack.up(tell=told.append)])

    threads = [threading.Thread(target=up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE_S)
    assert len(pids) == 3
    assert pids[0] == pids[1] == pids[2]
    assert told
    supervisors = [process for process in marked(settings) if "supervisor" in " ".join(process.cmdline())]
    assert len(supervisors) == 1


def test_a_number_used_again_is_not_taken_for_the_process(tmp_path: Path) -> None:
    path = tmp_path / "x.pid"
    started = psutil.Process().create_time()
    write_json(path, {"pid": os.getpid(), "started": started})
    assert live_pid(path) == os.getpid()
    write_json(path, {"pid": os.getpid(), "started": started - 3600})
    assert live_pid(path) is None
    path.write_text("half a fi")
    assert live_pid(path) is None


def test_preparation_happens_before_the_start_and_not_when_it_runs(settings: Settings) -> None:
    seen: list[int] = []
    stack = Stack(
        settings,
        table=f"{tiny_stack.__name__}:steady",
        processes=tiny_stack.steady,
        prepare=lambda settings: seen.append(len(marked(settings))),
    )
    try:
        stack.up()
        stack.up()
    finally:
        stack.stop()
    assert seen == [0]


def test_the_stack_outlives_the_terminal_that_started_it(
    stack_of: Callable[[Table], Stack], settings: Settings
) -> None:
    """The starting command runs in a session of its own, which is then hung up."""
    stack = stack_of(tiny_stack.steady)
    program = (
        "from pathlib import Path\n"
        "from api.command_line.stack import Stack\n"
        "from kernel.settings import Settings\n"
        "from tests.api.command_line import tiny_stack\n"
        f"Stack(Settings(data_dir=Path({str(settings.data_dir)!r}), port={settings.port}),"
        f" table='{tiny_stack.__name__}:steady', processes=tiny_stack.steady).up()\n"
    )
    starter = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, check=True, start_new_session=True
    )
    assert starter.stdout == b""  # and it returned although the stack lives: nobody holds its output open
    for process in marked(settings):
        assert os.getsid(process.pid) != os.getsid(0)
        assert process.terminal() is None
    assert all_run(stack)
    os.kill(pid_of(stack, "ground"), signal.SIGHUP)
    until(lambda: all_run(stack) and views(stack)["ground"].state.restarts == 1, "it runs again")
