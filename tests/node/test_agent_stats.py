"""What a real agent tells of its node: figures of real processes, and a page for Prometheus."""

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from labctl import names
from labctl.api.objects import Obj
from labctl.client.http import HttpTransport
from labctl.node.stats.starts import PodStarts
from tests.node.conftest import Stage
from tests.node.pods import pod
from tests.node.scene import ADDRESS, Scene, turn


def _transport(scene: Scene) -> HttpTransport:
    pki = names.pki_dir(scene.spec.name)
    files = (pki / "ca.crt", pki / "client.crt", pki / "client.key")
    return HttpTransport.tls(f"https://{ADDRESS}:{names.AGENT_PORT}", *files)


async def _read(client: HttpTransport, path: str) -> bytes:
    return b"".join([chunk async for chunk in client.raw(path, {})])


async def _summary(client: HttpTransport) -> Obj:
    return msgspec.json.decode(await _read(client, "/stats/summary"), type=Obj)


def test_an_agent_tells_what_its_containers_use(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        burning = ["sh", "-c", "sh -c 'while :; do :; done' & wait"]
        await scene.create("burn", {"name": "c", "image": "i", "command": burning})
        await scene.create(
            "idle", {"name": "c", "image": "nginx", "ports": [{"containerPort": 80}]}
        )
        await scene.ready("burn")
        await scene.ready("idle")
        client = _transport(scene)
        while True:
            summary = await _summary(client)
            pods = {one["podRef"]["name"]: one for one in summary["pods"]}
            (burn,), (idle,) = pods["burn"]["containers"], pods["idle"]["containers"]
            if burn["cpu"]["usageCoreNanoSeconds"] >= 50_000_000:
                break
            await turn()
        assert burn["memory"]["workingSetBytes"] > 0
        assert idle["cpu"]["usageCoreNanoSeconds"] == idle["memory"]["workingSetBytes"] == 0
        node = summary["node"]
        assert node["cpu"]["usageCoreNanoSeconds"] > burn["cpu"]["usageCoreNanoSeconds"]
        assert [one["name"] for one in node["systemContainers"]] == ["kubelet"]
        await client.close()

    stage(play)


def test_an_agent_has_metrics_of_a_kubelet(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", {"name": "c", "image": "nginx", "ports": [{"containerPort": 80}]})
        await scene.ready("web")
        client = _transport(scene)
        while True:
            text = (await _read(client, "/metrics")).decode()
            families = {one.name: one for one in text_string_to_metric_families(text)}
            starts = families["kubelet_pod_start_duration_seconds"].samples
            if next(one.value for one in starts if one.name.endswith("_count")) == 1:
                break
            await turn()
        assert [one.value for one in families["kubelet_running_pods"].samples] == [1]
        (running,) = families["kubelet_running_containers"].samples
        assert (running.labels, running.value) == ({"container_state": "running"}, 1)
        assert "process_cpu_seconds" in families
        await client.close()

    stage(play)


def test_only_starts_that_were_seen_from_the_beginning_are_timed() -> None:
    starts = PodStarts()
    pending, running = pod(status={"phase": "Pending"}), pod(status={"phase": "Running"})
    starts.watched(None, running)  # it ran before this agent did
    assert starts.durations.total() == 0
    for phase in (pending, pending, running, running):
        starts.watched(None, phase)
    assert starts.durations.total() == 1
    starts.watched(None, pending)
    starts.watched(pending, None)
    starts.watched(None, running)
    assert starts.durations.total() == 1
