"""kubectl top against a real lab: figures of real processes."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.command import Labctl
from tests.waiting import until

_BURN = "while :; do :; done"


@pytest.fixture(scope="module")
def space(labctl: Labctl) -> Iterator[str]:
    """A namespace with a pod that burns a CPU and one that does nothing."""
    name = f"top-{os.getpid()}"
    labctl.ok("create", "namespace", name)
    labctl.ok("run", "burn", "-n", name, "--image", "x", "--", "sh", "-c", _BURN)
    labctl.ok("run", "idle", "-n", name, "--image", "nginx", "--port", "80")
    labctl.ok("wait", "--for=condition=Ready", "pod/burn", "pod/idle", "-n", name)
    yield name
    labctl.ok("delete", "pods", "--all", "-n", name, "--now")
    labctl.ok("delete", "namespace", name)


def _top(labctl: Labctl, *words: str) -> list[list[str]]:
    """The rows, without the heading, in their order."""
    return [row.split() for row in labctl.ok("kubectl", "top", *words).splitlines()[1:]]


def _cores(cell: str) -> float:
    number = re.fullmatch(r"(\d+)m", cell)
    assert number is not None, cell
    return int(number[1]) / 1000


def test_pods_that_work_are_told_from_those_that_do_not(labctl: Labctl, space: str) -> None:
    def burning() -> bool:
        rows = _top(labctl, "pod", "-n", space, "--sort-by=cpu")
        assert [row[0] for row in rows] == ["burn", "idle"]
        return _cores(rows[0][1]) > 0.2 and _cores(rows[1][1]) == 0

    until(burning, seconds=30)


def test_containers_selectors_and_all_namespaces(labctl: Labctl, space: str) -> None:
    (row,) = _top(labctl, "pod", "-n", space, "-l", "run=burn", "--containers")
    assert row[:2] == ["burn", "burn"]
    rows = _top(labctl, "pod", "-A")
    assert [space, "burn"] in [row[:2] for row in rows]
    (row,) = _top(labctl, "pod", "idle", "-n", space)
    assert row == ["idle", "0m", "0Mi"]


def test_nodes_have_shares_of_what_they_have(labctl: Labctl, space: str) -> None:
    node = labctl.ok("get", "pod", "burn", "-n", space, "-o", "jsonpath={.spec.nodeName}")
    until(lambda: _cores(_top(labctl, "node", node)[0][1]) > 0.2, seconds=30)
    rows = _top(labctl, "node")
    assert sorted(row[0] for row in rows) == ["node1", "node2", "node3"]
    for _, cpu, cpu_share, memory, memory_share in rows:
        assert cpu.endswith("m")
        assert re.fullmatch(r"\d+%", cpu_share)
        assert int(memory.removesuffix("Mi")) > 5
        assert re.fullmatch(r"\d+%", memory_share)


def test_what_does_not_run_has_no_figures(labctl: Labctl, space: str) -> None:
    result = labctl("kubectl", "top", "pod", "none", "-n", space)
    assert result.code == 1
    assert f'podmetrics.metrics.k8s.io "{space}/none" not found' in result.err
