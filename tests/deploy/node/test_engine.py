"""The local engine with real processes that answer, raise, hang and die."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from deploy.node.engines import EngineClosedError, EngineError, RunInterruptedError
from deploy.node.engines.local import LocalEngine
from deploy.node.failure import FailureKind
from operators.outcome import Outcome
from tests.waiting import until

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
TARGET = "tests.deploy.node.throwaway:run"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine(tmp_path / "logs", target=TARGET)
    yield engine
    engine.close()


def run(
    engine: LocalEngine,
    folder: Path,
    do: str = "answer",
    timeout: float = 60.0,
    *,
    allocate: int = 0,
    memory_limit: int | None = None,
    slot: int = 0,
    interrupted: threading.Event | None = None,
) -> Outcome:
    for name in ("input", "output"):
        (folder / name).mkdir(exist_ok=True)
    return engine.run(
        "tiny",
        folder / "input",
        folder / "output",
        device="cpu",
        settings={"do": do, "bytes": allocate},
        started=STARTED,
        timeout=timeout,
        memory_limit=memory_limit,
        slot=slot,
        interrupted=interrupted,
    )


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    # The file goes with the process, also between opening and reading it.
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until_gone(process: int) -> None:
    until(lambda: not is_running(process))


def test_outcome_comes_back_whole(engine: LocalEngine, tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "a.dcm").touch()
    outcome = run(engine, tmp_path)
    assert outcome.summary == "1 files, cpu, 2026-01-02T03:04:05+00:00"
    assert outcome.segment_voxels == {"lesions": {1: 12}}


def test_child_stays_warm_and_is_another_process(engine: LocalEngine, tmp_path: Path) -> None:
    engine.warm("tiny", device="cpu")
    first, second = run(engine, tmp_path), run(engine, tmp_path)
    assert second.seconds["runs"] == 2
    assert first.seconds["process"] == second.seconds["process"] != os.getpid()


@pytest.mark.parametrize(
    ("do", "kind", "detail"),
    [
        ("raise", FailureKind.RAISED, "ValueError: the app's own mistake"),
        ("exit", FailureKind.RAISED, "SystemExit: 3"),
        ("answer something else", FailureKind.RAISED, "has no attribute 'model_dump'"),
        ("leave", FailureKind.CRASHED, "exited with status 7"),
        ("abort", FailureKind.CRASHED, "killed by SIGABRT"),
        ("segfault", FailureKind.CRASHED, "killed by SIGSEGV in string_at ("),
        ("raise MemoryError", FailureKind.OUT_OF_MEMORY, "MemoryError"),
        ("raise for lack of memory", FailureKind.OUT_OF_MEMORY, "RuntimeError: the step failed"),
        ("allocate a tensor", FailureKind.OUT_OF_MEMORY, "can't allocate memory"),
        ("kill", FailureKind.CRASHED, "killed by SIGKILL"),
        ("hang", FailureKind.TIMED_OUT, "no result within 0.2 s"),
    ],
)
def test_failure_is_told_and_next_run_gets_a_fresh_child(
    engine: LocalEngine, tmp_path: Path, do: str, kind: FailureKind, detail: str
) -> None:
    with pytest.raises(EngineError) as failure:
        run(engine, tmp_path, do, timeout=0.2 if do == "hang" else 60.0)
    assert failure.value.kind is kind
    assert detail in failure.value.detail
    assert run(engine, tmp_path).seconds["runs"] == 1


def test_input_that_cannot_be_read_at_all_is_a_refusal(engine: LocalEngine, tmp_path: Path) -> None:
    outcome = run(engine, tmp_path, "refuse")
    assert (outcome.status, outcome.reason, outcome.detail) == ("refused", "no-readable-instance", "3 files")


def test_hanging_run_leaves_no_process_behind(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        run(engine, tmp_path, "hang with a child", timeout=3.0)
    wait_until_gone(int((tmp_path / "output" / "grandchild").read_text()))


def test_daemon_of_a_run_that_crashed_is_gone_when_that_is_told(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        run(engine, tmp_path, "leave a daemon and segfault")
    assert not is_running(int((tmp_path / "output" / "daemon").read_text()))


def test_daemon_that_a_run_left_goes_with_its_child(engine: LocalEngine, tmp_path: Path) -> None:
    process = int(run(engine, tmp_path, "leave a daemon").seconds["process"])
    daemon = int((tmp_path / "output" / "daemon").read_text())
    assert is_running(daemon)
    os.kill(process, signal.SIGKILL)
    wait_until_gone(daemon)
    assert run(engine, tmp_path).seconds["runs"] == 1


def test_processes_that_fork_without_end_are_all_ended(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no result"):
        run(engine, tmp_path, "fork", timeout=2.0)
    forked = [int(path.name.partition("-")[2]) for path in (tmp_path / "output").glob("forked-*")]
    assert len(forked) == 16
    assert not any(map(is_running, forked))


def test_supervisor_that_is_killed_takes_its_app_with_it(engine: LocalEngine, tmp_path: Path) -> None:
    process = int(run(engine, tmp_path).seconds["process"])
    parent = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    assert parent != os.getpid()
    os.kill(parent, signal.SIGKILL)
    wait_until_gone(process)
    assert run(engine, tmp_path).seconds["process"] != process


@pytest.mark.parametrize(("do", "count"), [("allocate", "1 process"), ("allocate in children", "5 processes")])
def test_run_above_its_memory_limit_is_ended_and_told_with_figures(
    engine: LocalEngine, tmp_path: Path, do: str, count: str
) -> None:
    with pytest.raises(EngineError) as failure:
        run(engine, tmp_path, do, allocate=700 * 2**20, memory_limit=600 * 2**20)
    assert failure.value.kind is FailureKind.OUT_OF_MEMORY
    told = re.fullmatch(rf"{count} used (\d\.\d\d) GiB, and memory_limit_gib is 0\.585938", failure.value.detail)
    assert told is not None, failure.value.detail
    assert 0.58 < float(told[1]) < 1.0
    assert run(engine, tmp_path, memory_limit=600 * 2**20).seconds["runs"] == 1


def test_kernel_takes_the_app_before_the_node(engine: LocalEngine, tmp_path: Path) -> None:
    run(engine, tmp_path, "score")
    own = int(Path("/proc/self/oom_score_adj").read_text())
    assert str(min(own + 500, 1000)) in (tmp_path / "logs" / "tiny.log").read_text().splitlines()


def test_native_crash_is_told_with_its_trace(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineError) as failure:
        run(engine, tmp_path, "segfault")
    first, *rest, last = failure.value.detail.splitlines()
    assert first == "Fatal Python error: Segmentation fault"
    assert any("throwaway.py" in line for line in rest)
    assert last.startswith("killed by SIGSEGV in string_at (")


def test_run_is_ended_on_request_with_all_it_started(engine: LocalEngine, tmp_path: Path) -> None:
    interrupted = threading.Event()

    def interrupt_once_running() -> None:
        until((tmp_path / "output" / "daemon").exists)
        interrupted.set()

    thread = threading.Thread(target=interrupt_once_running)
    thread.start()
    with pytest.raises(RunInterruptedError):
        run(engine, tmp_path, "hang with a daemon", interrupted=interrupted)
    thread.join()
    assert not is_running(int((tmp_path / "output" / "daemon").read_text()))


def test_slots_of_an_app_run_beside_each_other_and_fail_apart(engine: LocalEngine, tmp_path: Path) -> None:
    outcomes: list[Outcome] = []
    (tmp_path / "other").mkdir()
    first = int(run(engine, tmp_path).seconds["process"])
    thread = threading.Thread(target=lambda: outcomes.append(run(engine, tmp_path / "other", slot=1)))
    thread.start()
    with pytest.raises(EngineError):
        run(engine, tmp_path, "segfault")
    thread.join()
    (outcome,) = outcomes
    assert outcome.seconds["process"] != first
    assert (tmp_path / "logs" / "tiny.1.log").exists()


def test_what_the_app_prints_is_in_its_log(engine: LocalEngine, tmp_path: Path) -> None:
    run(engine, tmp_path, "print")
    log = (tmp_path / "logs" / "tiny.log").read_text()
    assert "printed by the app" in log
    assert "written to standard output" in log


def test_child_that_dies_while_idle_is_replaced(engine: LocalEngine, tmp_path: Path) -> None:
    process = int(run(engine, tmp_path).seconds["process"])
    os.kill(process, signal.SIGKILL)
    wait_until_gone(process)
    assert run(engine, tmp_path).seconds["process"] != process


def test_child_that_is_dying_when_a_run_comes_is_replaced(engine: LocalEngine, tmp_path: Path) -> None:
    process = int(run(engine, tmp_path).seconds["process"])
    # A stopped process takes bytes into its pipe like a running one, and dies with them unread.
    os.kill(process, signal.SIGSTOP)
    killer = threading.Timer(0.5, os.kill, (process, signal.SIGKILL))
    killer.start()
    outcome = run(engine, tmp_path)
    killer.join()
    assert (outcome.seconds["runs"], outcome.seconds["process"] != process) == (1, True)


def test_close_ends_a_run_under_way(engine: LocalEngine, tmp_path: Path) -> None:
    def close_once_running() -> None:
        until((tmp_path / "output" / "running").exists)
        engine.close()

    closer = threading.Thread(target=close_once_running)
    closer.start()
    with pytest.raises(EngineClosedError):
        run(engine, tmp_path, "hang")
    closer.join()
    with pytest.raises(EngineClosedError):
        run(engine, tmp_path)


def test_app_is_prepared_once_before_its_first_run(tmp_path: Path) -> None:
    engine = LocalEngine(tmp_path / "logs", target=TARGET, prepare="tests.deploy.node.throwaway:prepare")
    run(engine, tmp_path)
    assert run(engine, tmp_path).detail == "tiny"
    engine.close()


def test_target_that_cannot_be_imported_is_a_failure(tmp_path: Path) -> None:
    engine = LocalEngine(tmp_path / "logs", target="tests.deploy.node.no_such_module:run")
    with pytest.raises(EngineError, match="no_such_module"):
        engine.warm("tiny", device="cpu")
    engine.close()


def test_child_has_the_stack_that_holoscan_wants(engine: LocalEngine, tmp_path: Path) -> None:
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if hard != resource.RLIM_INFINITY and hard < 32768 * 1024:
        pytest.skip("the hard limit of the stack is below 32 MiB here")
    process = int(run(engine, tmp_path).seconds["process"])
    assert resource.prlimit(process, resource.RLIMIT_STACK)[0] == 32768 * 1024


def test_child_dies_with_the_node(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "output").mkdir()
    program = (
        "import datetime, pathlib\n"
        "from deploy.node.engines.local import LocalEngine\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        f"engine = LocalEngine(folder / 'logs', target={TARGET!r})\n"
        "outcome = engine.run('tiny', folder / 'input', folder / 'output', device='cpu', settings={},"
        " started=datetime.datetime.now(datetime.timezone.utc), timeout=60)\n"
        "print(int(outcome.seconds['process']), flush=True)\n"
        "engine.run('tiny', folder / 'input', folder / 'output', device='cpu', settings={'do': 'hang'},"
        " started=datetime.datetime.now(datetime.timezone.utc), timeout=600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        process = int(node.stdout.readline())
        until((tmp_path / "output" / "running").exists)
        assert is_running(process)
        node.kill()
    wait_until_gone(process)
