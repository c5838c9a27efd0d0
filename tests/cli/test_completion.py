"""Shell completion knows what lives right now."""

from collections.abc import Iterator

import pytest

from tests.command import Labctl

TWO = """
apiVersion: v1
kind: Pod
metadata: {name: completed}
spec: {containers: [{name: one, image: a}, {name: two, image: b}]}
"""


@pytest.fixture(scope="module")
def pod(labctl: Labctl) -> Iterator[None]:
    """A pod of two containers."""
    labctl.ok("apply", "-f", "-", stdin=TWO)
    yield
    labctl.ok("delete", "pod", "completed")


def completed(labctl: Labctl, line: str) -> list[str]:
    """What bash would offer at the end of the line."""
    env = {
        "_LABCTL_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - (not line.endswith(" "))),
    }
    return [word.partition(",")[2] for word in labctl(env=env).out.split()]


@pytest.mark.usefixtures("pod")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("labctl get pod ", ["completed"]),
        ("labctl get pod/", ["pod/completed"]),
        ("labctl logs comp", ["completed"]),
        ("labctl logs completed -c ", ["one", "two"]),
        ("labctl exec -it completed -c t", ["two"]),
        ("labctl fault cut ", ["node1", "node2", "node3"]),
        ("labctl ping completed node/node3", ["node/node3"]),
        ("labctl get pods -n kube-s", ["kube-system"]),
        ("labctl get pods -o j", ["json", "jsonpath="]),
        ("labctl verify --protocol ", ["icmp", "udp", "tcp"]),
    ],
)
def test_live_names_are_offered(labctl: Labctl, line: str, offered: list[str]) -> None:
    assert completed(labctl, line) == offered


@pytest.mark.parametrize("line", ["labctl --lab ", "labctl status --lab ", "labctl down --lab "])
def test_labs_are_offered(labctl: Labctl, line: str) -> None:
    assert labctl.lab in completed(labctl, line)


def test_a_lab_that_is_not_there_offers_nothing_and_says_nothing() -> None:
    assert completed(Labctl("none"), "labctl get pod ") == []
