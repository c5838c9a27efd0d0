"""How many pods of a budget may be evicted: tables of pods and budgets, as values."""

from typing import Any

import pytest

from labctl.api.disruption import covering
from labctl.api.objects import Obj, format_time
from labctl.controllers.disruption.budget import (
    Counts,
    count,
    counts_scale,
    next_look,
    share,
    status_of,
    still_disrupted,
)
from tests.controllers.objects import NOW, pod


def _budget(status: Obj | None = None, **spec: Any) -> Obj:
    selector = spec.pop("selector", {"matchLabels": {"app": "web"}})
    return {
        "metadata": {"name": "web", "namespace": "default", "generation": 2},
        "spec": {"selector": selector, **spec},
        "status": status or {},
    }


def _pods(healthy: int, others: int = 0) -> list[Obj]:
    ready = [pod(f"ready-{number}") for number in range(healthy)]
    return ready + [pod(f"other-{number}", ready=False) for number in range(others)]


@pytest.mark.parametrize(
    ("spec", "healthy", "others", "scale", "counts", "allowed"),
    [
        ({"minAvailable": 2}, 3, 0, 0, Counts(3, 2, 3), 1),
        ({"minAvailable": 2}, 2, 1, 0, Counts(3, 2, 2), 0),
        ({"minAvailable": 2}, 1, 2, 0, Counts(3, 2, 1), 0),
        ({"minAvailable": 0}, 0, 0, 0, Counts(0, 0, 0), 0),
        ({"minAvailable": "50%"}, 3, 0, 3, Counts(3, 2, 3), 1),
        ({"minAvailable": "100%"}, 3, 0, 3, Counts(3, 3, 3), 0),
        ({"minAvailable": "34%"}, 3, 0, 3, Counts(3, 2, 3), 1),
        ({"maxUnavailable": 1}, 3, 0, 3, Counts(3, 2, 3), 1),
        ({"maxUnavailable": 1}, 2, 1, 3, Counts(3, 2, 2), 0),
        ({"maxUnavailable": "30%"}, 10, 0, 10, Counts(10, 7, 10), 3),
        ({"maxUnavailable": "1%"}, 3, 0, 3, Counts(3, 2, 3), 1),
        ({"maxUnavailable": 5}, 3, 0, 3, Counts(3, 0, 3), 3),
        ({"maxUnavailable": 0}, 3, 0, 3, Counts(3, 3, 3), 0),
        ({"maxUnavailable": 1}, 3, 0, 5, Counts(5, 4, 3), 0),  # scaled up: two are to come
        ({}, 3, 0, 3, Counts(0, 0, 3), 0),
    ],
)
def test_what_a_budget_allows(
    spec: Obj, healthy: int, others: int, scale: int, counts: Counts, allowed: int
) -> None:
    found = count(_budget(**spec), _pods(healthy, others), scale, ())
    assert (found, found.allowed) == (counts, allowed)


def test_only_a_plain_number_of_available_pods_needs_no_scale() -> None:
    assert not counts_scale(_budget(minAvailable=1))
    for spec in ({"minAvailable": "1%"}, {"maxUnavailable": 1}, {"maxUnavailable": "1%"}):
        assert counts_scale(_budget(**spec))


def test_a_pod_that_goes_or_was_promised_to_go_is_not_healthy() -> None:
    pods = [pod("a"), pod("b", deleting=True), pod("c")]
    assert count(_budget(minAvailable=1), pods, 0, ["c"]) == Counts(3, 1, 1)


def test_shares_are_rounded_up() -> None:
    assert [share("50%", whole) for whole in range(5)] == [0, 1, 1, 2, 2]
    assert share(7, 3) == 7


def test_an_eviction_is_waited_for_two_minutes() -> None:
    told = {
        "waited": format_time(NOW - 20),
        "in-vain": format_time(NOW - 120),
        "going": format_time(NOW),
        "gone": format_time(NOW),
    }
    pods = [pod("waited"), pod("in-vain"), pod("going", deleting=True)]
    left = still_disrupted(_budget({"disruptedPods": told}), pods, NOW)
    assert left == {"waited": told["waited"]}
    assert next_look(left, NOW) == 100
    assert next_look({}, NOW) is None


def test_the_status_says_why_and_of_which_generation() -> None:
    status = status_of(_budget(), Counts(3, 2, 3), {})
    (condition,) = status.pop("conditions")
    assert status == {
        "currentHealthy": 3,
        "desiredHealthy": 2,
        "expectedPods": 3,
        "disruptionsAllowed": 1,
        "observedGeneration": 2,
    }
    assert (condition["type"], condition["status"]) == ("DisruptionAllowed", "True")
    assert (condition["reason"], condition["observedGeneration"]) == ("SufficientPods", 2)
    assert condition["message"] == ""
    status = status_of(_budget(), Counts(3, 2, 2), {"a": "2030-01-01T00:00:00Z"})
    assert status["conditions"][0]["reason"] == "InsufficientPods"
    assert status["disruptedPods"] == {"a": "2030-01-01T00:00:00Z"}


def test_a_status_that_is_true_is_written_again_unchanged() -> None:
    status = status_of(_budget(), Counts(3, 2, 3), {})
    assert status_of(_budget(status), Counts(3, 2, 3), {}) == status


@pytest.mark.parametrize(
    ("selector", "covers"),
    [
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({}, True),
        (None, False),
    ],
)
def test_which_pods_a_budget_covers(selector: Obj | None, covers: bool) -> None:
    assert bool(list(covering([_budget(selector=selector)], pod("a")))) is covers
