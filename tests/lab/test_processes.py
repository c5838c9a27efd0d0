"""A process is a pid and a start time."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labctl import names
from labctl.lab import processes
from labctl.lab.processes import Process, Record
from tests.waiting import until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_process_is_alive_until_it_ended_reaped_or_not(sleeper: subprocess.Popen[bytes]) -> None:
    process = processes.observe("sleeper", sleeper.pid)
    assert processes.is_alive(process)
    sleeper.kill()
    until(lambda: not processes.is_alive(process))  # a zombie by now: nobody has waited for it
    assert processes.open_pidfd(process) is None


def test_another_process_of_the_same_pid_is_never_taken_for_it(
    sleeper: subprocess.Popen[bytes],
) -> None:
    other = replace(processes.observe("sleeper", sleeper.pid), start_time=1)
    assert processes.open_pidfd(other) is None
    assert not processes.is_alive(other)


def test_a_name_with_brackets_and_spaces_does_not_confuse(tmp_path: Path) -> None:
    program = tmp_path / "a) R (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as process:
        assert (processes.start_time(process.pid) or 0) > 0
        process.kill()


def test_a_record_is_read_as_it_was_written() -> None:
    lab = f"rec{os.getpid()}"
    assert processes.read_record(lab) == Record()
    directory = names.run_dir(lab)
    directory.mkdir(parents=True)
    record = Record((Process("runtime", 7, 8, 9),), ("agent-node1",))
    try:
        processes.write_record(lab, record)
        assert processes.read_record(lab) == record
        processes.record_file(lab).write_text('{"processes": [{"na')
        assert processes.read_record(lab) == Record()
        assert processes.supervisor_of(lab) is None
    finally:
        processes.record_file(lab).unlink()
        directory.rmdir()
