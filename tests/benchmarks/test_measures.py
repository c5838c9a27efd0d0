"""What measures measure with, on the real kernel, in little."""

import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks import by_hand
from benchmarks.floor import floor
from benchmarks.traffic import Ends, request_rate, throughput
from benchmarks.watchers import Watcher
from labctl import names


def test_the_floor_is_made_of_so_many_pods_and_goes_away() -> None:
    made = floor(6, 2)
    assert len(made.after) == 6
    assert made.after == sorted(made.after)
    assert made.processor > 0
    assert made.removed > 0


@pytest.mark.parametrize(
    "network", [by_hand.same_node(), by_hand.two_nodes("host-gw"), by_hand.two_nodes("vxlan")]
)
def test_networks_made_by_hand_carry_traffic(network: AbstractContextManager[Ends]) -> None:
    with network as ends:
        assert throughput(ends, 0.02) > 0
        assert request_rate(ends, 0.02) > 0
    assert not list(Path(names.NETNS_DIR).glob(f"byhand-{os.getpid()}-*"))


def event(number: int) -> bytes:
    return b'{"type":"ADDED","object":{"data":{"number":"%d"}}}\n' % number


def test_a_watcher_notices_what_it_has_not_seen() -> None:
    watcher = Watcher(b"", total=3)
    watcher.data_received(event(0) + event(1)[:30])
    assert set(watcher.arrived) == {0}
    watcher.data_received(event(1)[30:] + event(1))  # told twice is seen once
    assert set(watcher.arrived) == {0, 1}
    assert not watcher.saw_all.is_set()
    watcher.data_received(event(2))
    assert watcher.saw_all.is_set()


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "benchmarks", "--quick", "--runs", "1", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.alone
def test_the_quick_form_measures_and_judges() -> None:
    done = bench("--only", "lab", "--mesh", "6", "--pings", "1")
    assert done.returncode == 0, done.stderr
    assert (
        "| POST of a Deployment of 1 replica to its first answered ping | ≤ 80 ms |" in done.stdout
    )
    assert "`labctl verify` of 6 pods, 30 pairs" in done.stdout


def test_a_measure_that_fails_is_told_and_fails_the_run() -> None:
    done = bench("--only", "growth", "--few-nodes", "0")
    assert done.returncode == 1
    assert "growth, run 1: failed" in done.stderr
