"""Whose log is meant, by a container's status."""

from typing import Any

import pytest

from labctl.api.objects import Obj
from labctl.errors import StatusError
from labctl.node.server.lookup import log_of

NOW, BEFORE = "labctl://now", "labctl://before"


def told(last: str = "", **state: Any) -> Obj:
    before = {"terminated": {"containerID": last}} if last else {}
    return {"state": state, "lastState": before, "containerID": NOW}


RUNS, WAITS = {"startedAt": "…"}, {"reason": "CrashLoopBackOff"}


@pytest.mark.parametrize(
    ("status", "present", "previous"),
    [
        (told(running=RUNS), NOW, None),
        (told(BEFORE, running=RUNS), NOW, BEFORE),
        (told(terminated={"containerID": NOW}), NOW, None),
        (told(BEFORE, waiting=WAITS), BEFORE, BEFORE),
    ],
)
def test_the_log_is_that_of_the_run_that_the_status_tells_of(
    status: Obj, present: str, previous: str | None
) -> None:
    assert log_of("web", "c", status, previous=False) == present
    if previous:
        assert log_of("web", "c", status, previous=True) == previous
        return
    with pytest.raises(StatusError) as refused:
        log_of("web", "c", status, previous=True)
    assert refused.value.message == 'previous terminated container "c" in pod "web" not found'


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (told(waiting={"reason": "PodInitializing"}), "is waiting to start: PodInitializing"),
        (None, "is not available"),
    ],
)
def test_what_has_not_run_has_none(status: Obj | None, message: str) -> None:
    with pytest.raises(StatusError) as refused:
        log_of("web", "c", status, previous=False)
    assert (refused.value.code, refused.value.message) == (
        400,
        f'container "c" in pod "web" {message}',
    )
