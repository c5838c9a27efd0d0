"""Three hundred pods on a machine with stock limits of the neighbour table reach the outside.

The table is shared by all network namespaces of a machine, so a lab that learned its neighbours would
fill it. The limits belong to the machine: the test puts them back.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeLab

_LIMITS = Path("/proc/sys/net/ipv4/neigh/default")
_STOCK = {"gc_thresh1": "128", "gc_thresh2": "512", "gc_thresh3": "1024"}


@pytest.fixture
def stock_limits() -> Iterator[None]:
    before = {name: (_LIMITS / name).read_text() for name in _STOCK}
    for name, value in _STOCK.items():
        (_LIMITS / name).write_text(value)
    yield
    for name, value in reversed(before.items()):
        (_LIMITS / name).write_text(value)


@pytest.mark.usefixtures("stock_limits")
def test_three_hundred_pods_reach_the_outside(make_lab: MakeLab) -> None:
    labctl = make_lab()
    labctl.ok("create", "deployment", "many", "--image=example/none:1", "--replicas=300")
    ready = "--for=jsonpath={.status.readyReplicas}=300"
    labctl.ok("wait", ready, "deployment/many", "--timeout=90s")
    report = labctl("verify", "--claim", "egress", "-o", "json").json
    assert report["claims"] == [{"claim": "egress", "checked": 900, "failed": 0}]
