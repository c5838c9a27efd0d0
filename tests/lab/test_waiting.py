"""What `wait --for` waits for."""

from typing import Any

import pytest

from labctl.errors import BadInput
from labctl.lab.waiting import duration, wish


def pod(ready: str = "True", **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    return {"metadata": {"name": "p"}, "status": {"conditions": conditions, **status}}


@pytest.mark.parametrize(
    ("text", "obj", "holds"),
    [
        ("condition=Ready", pod(), True),
        ("condition=ready", pod(), True),
        ("condition=Ready", pod("False"), False),
        ("condition=Ready=false", pod("False"), True),
        ("condition=Ready", {"metadata": {}}, False),
        ("condition=Ready", None, False),
        ("delete", None, True),
        ("delete", pod(), False),
        ("create", pod(), True),
        ("create", None, False),
        ("jsonpath={.status.phase}=Running", pod(phase="Running"), True),
        ("jsonpath='{.status.phase}'=Running", pod(phase="Running"), True),
        ("jsonpath=.status.phase=Running", pod(phase="Pending"), False),
        ("jsonpath={.status.replicas}=3", pod(replicas=3), True),
        ("jsonpath={.status.podIP}", pod(), False),
        ("jsonpath={.status.podIP}", pod(podIP="10.244.1.2"), True),
    ],
)
def test_a_wish_holds_or_does_not(text: str, obj: dict[str, Any] | None, holds: bool) -> None:
    assert wish(text)(obj) is holds


def test_a_condition_of_an_older_spec_does_not_count() -> None:
    stale = {**pod(observedGeneration=1), "metadata": {"generation": 2}}
    assert not wish("condition=Ready")(stale)


@pytest.mark.parametrize("text", ["", "condition", "condition=", "jsonpath=", "ready", "delete!"])
def test_what_cannot_be_waited_for_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="--for"):
        wish(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("2m", 120), ("1h1m1s", 3661), ("90", 90), ("0.5s", 0.5)]
)
def test_a_time_is_written_as_in_go(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1d"])
def test_what_is_no_time_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="is no time"):
        duration(text)
