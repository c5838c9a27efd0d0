"""Every kubectl at hand does what it does against Kubernetes, and says it in the same words."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import pytest

from tests.command import Labctl
from tests.kubectl import programs
from tests.kubectl.stories import STORIES, Scene

EVERY = "verbs"  # the story for those between: each verb once
_ALL = sorted(path.stem for path in STORIES.glob("*.txt"))
_AT_ONCE = 3


def _plays() -> Iterator[tuple[str, str]]:
    """Which kubectl plays which story."""
    for story in _ALL:
        yield "oldest", story
        yield "newest", story
    for program in programs.between():
        yield str(program), EVERY


Play = Future[list[str]]


@pytest.fixture(scope="session")
def plays(
    request: pytest.FixtureRequest, labctl: Labctl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Play]]:
    """All that was asked for, under way: a few at once, since a kubectl mostly waits."""
    own = (item for item in request.session.items if item.path == Path(__file__))
    calls = (getattr(item, "callspec", None) for item in own)
    wanted = [call.params["play"] for call in calls if call and "play" in call.params]
    nodes = Lock()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        started = {}
        for which, story in wanted:
            program = programs.of(which)
            if program is not None:
                scene = Scene(program, labctl, tmp_path_factory.getbasetemp(), nodes)
                started[which, story] = pool.submit(scene.play, story)
        yield started
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("play", list(_plays()), ids="-".join)
def test_a_story(play: tuple[str, str], plays: dict[tuple[str, str], Play]) -> None:
    if play not in plays:
        pytest.skip(f"the {play[0]} kubectl is not here: make setup")
    failures = plays[play].result()
    assert not failures, "\n" + "\n".join(failures)
