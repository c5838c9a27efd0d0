"""What tests of several areas share: a real lab, the command line for it, a namespace.

The session's lab is made once, by the first test that asks for it, and is left healthy by every
test. Whoever hurts or changes a lab makes one with `make_lab`.
"""

import itertools
import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from labctl.net import namespaces
from tests.command import Labctl
from tests.store.engines import Engine
from tests.store.etcd_process import EtcdProcess, running_etcd

MakeLab = Callable[..., Labctl]

_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Draws the run's seed, where none is given: the workers of one run must see the same tests.

    And lets Python keep what it compiled, as every installed labctl has it: a lab is a dozen
    processes, and containers often forbid it by the environment. SIGINT, which a shell ignores for
    what it starts in the background, is heard again, also by whom a test starts.
    """
    os.environ["CHAOS_SEED"] = os.environ.get("CHAOS_SEED") or str(time.time_ns() % 10**6)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped has failed: what cannot run there is not proved."""
    report = yield
    if report.skipped and "CI" in os.environ:
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def lab() -> Iterator[str]:
    """The name of a healthy lab of three nodes, host-gw."""
    name = f"t{os.getpid()}"
    labctl = Labctl(name)
    labctl.ok("up")
    yield name
    labctl.ok("down")


@pytest.fixture(scope="session")
def labctl(lab: str) -> Labctl:
    """The command line, for that lab."""
    return Labctl(lab)


@pytest.fixture(scope="module")
def make_lab() -> Iterator[MakeLab]:
    """`make_lab(*words, stdin="")` runs `labctl up WORDS` for a lab with a name of its own."""
    made: list[Labctl] = []

    def make(*words: str, stdin: str = "") -> Labctl:
        one = Labctl(f"t{os.getpid()}-{next(_numbers)}")
        made.append(one)
        one.ok("up", *words, stdin=stdin)
        return one

    yield make
    for one in made:
        one.ok("down")


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdProcess]:
    """An etcd for all tests, each of which has keys of its own; whoever hurts one starts one."""
    with running_etcd(tmp_path_factory.mktemp("etcd")) as process:
        yield process


@pytest.fixture(params=["sqlite", "etcd"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every test that asks for an `engine` runs on all of them."""
    if request.param == "sqlite":
        return Engine.of(("sqlite",))
    etcd: EtcdProcess = request.getfixturevalue("etcd")
    return Engine.of(("etcd", *etcd.cluster.endpoints))


@pytest.fixture
def netns() -> Iterator[Path]:
    """A fresh network namespace."""
    name = f"labctl-test-{os.getpid()}-{next(_numbers)}"
    yield namespaces.create_netns(name)
    namespaces.delete_netns(name)
