"""The sabotage table on real labs: what labctl built, broken by hand, is told by verify.

Healing is off in these labs (`network.healing: false`), or the agents would mend first.
"""

import asyncio
from pathlib import Path

import pytest

from labctl.lab import connect
from labctl.verify import Topology, snapshot, verify
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.labs import lab_of_four_pods
from tests.sabotage.table import TABLE, Sabotage, site
from tests.sabotage.trial import try_sabotage

BACKENDS = ("host-gw", "vxlan")


@pytest.fixture(scope="module")
def topologies(make_lab: MakeLab) -> dict[str, Topology]:
    return {backend: _topology(make_lab, backend) for backend in BACKENDS}


def _topology(make_lab: MakeLab, backend: str) -> Topology:
    labctl = make_lab("-", stdin=lab_of_four_pods(backend, healing=False))
    labctl.ok("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")
    return asyncio.run(_look(labctl))


async def _look(labctl: Labctl) -> Topology:
    client = connect.client(labctl.lab)
    try:
        return await snapshot(client, labctl.lab)
    finally:
        await client.transport.close()


@pytest.mark.parametrize(
    ("backend", "sabotage"),
    [
        pytest.param(backend, sabotage, id=f"{backend}: {sabotage.name}")
        for backend in BACKENDS
        for sabotage in TABLE
        if backend in sabotage.backends
    ],
)
def test_a_broken_lab_is_told_and_a_mended_one_passes(
    topologies: dict[str, Topology], backend: str, sabotage: Sabotage, tmp_path: Path
) -> None:
    topology = topologies[backend]
    try_sabotage(
        sabotage, site(topology, tmp_path), lambda word: verify(topology, protocols=[word])
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_healthy_lab_never_fails(topologies: dict[str, Topology], backend: str) -> None:
    for run in range(50):
        report = verify(topologies[backend])
        assert report["passed"], (run, [c for c in report["checks"] if not c["passed"]])
