"""Every way to break a network that we know makes verify fail, with the right claim and reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.verify import verify
from tests.sabotage.table import TABLE, Sabotage, site
from tests.sabotage.trial import try_sabotage
from tests.verify.cluster import Cluster, cluster

CASES = [(backend, sabotage) for backend in ("host-gw", "vxlan") for sabotage in TABLE]


@pytest.fixture(scope="module")
def clusters() -> Iterator[dict[str, Cluster]]:
    with cluster("host-gw", nodes=2, pods=4) as host_gw, cluster("vxlan", nodes=2, pods=4) as vxlan:
        yield {"host-gw": host_gw, "vxlan": vxlan}


@pytest.mark.parametrize(
    ("backend", "sabotage"),
    [
        pytest.param(backend, sabotage, id=f"{backend}: {sabotage.name}")
        for backend, sabotage in CASES
        if backend in sabotage.backends
    ],
)
def test_a_broken_network_is_told_and_a_mended_one_passes(
    clusters: dict[str, Cluster], backend: str, sabotage: Sabotage, tmp_path: Path
) -> None:
    topology = clusters[backend].topology()
    try_sabotage(
        sabotage, site(topology, tmp_path), lambda word: verify(topology, protocols=[word])
    )
