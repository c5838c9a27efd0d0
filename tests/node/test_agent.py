"""The agent with everything real around it: pods come, are mended, outlive it, and go."""

import os
import signal
import ssl

import aiohttp
import msgspec
import pytest

from labctl import names
from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj, condition
from labctl.client.http import HttpTransport
from labctl.client.stream import exit_code
from labctl.cri.messages import Sandbox
from labctl.errors import StatusError
from tests.node.conftest import MakeStage, Stage
from tests.node.scene import ADDRESS, NODE, Scene, turn

STAND_IN: Obj = {"name": "web", "image": "nginx:1.14.2", "ports": [{"containerPort": 80}]}


def program(name: str, script: str) -> Obj:
    return {"name": name, "image": "busybox", "command": ["sh", "-c", script]}


async def sandbox_of(scene: Scene, pod: str) -> Sandbox:
    found = [one for one in await scene.runtime.list_pod_sandboxes(NODE) if one.config.name == pod]
    return max(found, key=lambda one: one.config.attempt)


def test_a_node_registers_with_all_that_kubectl_shows(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        node = await scene.admin.get(NODES, NODE)
        status = node["status"]
        assert node["metadata"]["labels"]["kubernetes.io/hostname"] == NODE
        assert {"type": "InternalIP", "address": ADDRESS} in status["addresses"]
        assert status["nodeInfo"]["kubeletVersion"].startswith("v1.33.0")
        assert status["capacity"]["pods"] == "500"
        assert [one["type"] for one in status["conditions"] if one["status"] == "True"] == ["Ready"]
        lease = await scene.admin.get(LEASES, NODE, "kube-node-lease")
        assert lease["spec"]["holderIdentity"] == NODE

    stage(play)


def test_a_pod_comes_is_told_of_and_goes_without_a_trace(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        pod = await scene.ready("web")
        assert pod["status"]["podIP"] == "10.244.1.2"
        async with aiohttp.ClientSession() as session, session.get("http://10.244.1.2") as answer:
            assert (await answer.json())["pod"] == "web"
        await scene.admin.delete(PODS, "web", "default")
        await scene.until_gone(PODS, "web")
        while await scene.runtime.list_pod_sandboxes(NODE):
            await turn()
        assert not os.path.lexists(
            names.netns_path(names.pod_netns(scene.spec.name, "default", "web"))
        )
        logs = names.state_dir(scene.spec.name) / "pods"
        assert list(logs.iterdir()) == []
        assert await scene.reasons("web") == ["StandIn", "Created", "Started", "Killing"]

    stage(play)


def readiness(node: Obj) -> str:
    """What the node says of it."""
    return str((condition(node, "Ready") or {}).get("message", ""))


def test_without_a_pod_cidr_there_is_no_network_and_that_is_told(make_stage: MakeStage) -> None:
    async def play(scene: Scene) -> None:
        scene.start_agent()
        await scene.until(NODES, NODE, lambda obj: "network not ready" in readiness(obj))
        await scene.create("web", STAND_IN)
        while "NetworkNotReady" not in await scene.reasons("web"):
            await turn()
        obj = await scene.admin.get(PODS, "web", "default")
        assert (obj["status"]["phase"], obj["status"].get("podIP")) == ("Pending", None)
        await scene.create("host", program("c", "exec sleep 60"), hostNetwork=True)
        await scene.ready("host")
        cidr = {"podCIDR": "10.244.1.0/24", "taints": None}
        await scene.admin.patch(NODES, NODE, {"spec": cidr})
        assert (await scene.ready("web"))["status"]["podIP"] == "10.244.1.2"

    make_stage(registered=False)(play)


def test_a_program_runs_with_its_environment_and_has_a_log(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        container = program("c", 'echo "$WHO is at $(WHERE)"; exec sleep 60')
        container["env"] = [
            {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ]
        await scene.create("prog", container)
        pod = await scene.ready("prog")
        log = names.state_dir(scene.spec.name) / "pods"
        (file,) = log.glob(f"default_prog_{pod['metadata']['uid']}/c/0.log")
        while not (text := file.read_text()):
            await turn()
        assert text.endswith(f"prog is at {pod['status']['podIP']}\n")

    stage(play)


def test_init_containers_run_in_order_and_a_pod_that_ends_has_succeeded(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        inits = [program("first", "true"), {"name": "second", "image": "not/here"}]
        spec = {"initContainers": inits, "restartPolicy": "Never"}
        await scene.create("job", program("c", "exit 0"), **spec)
        pod = await scene.until(PODS, "job", lambda obj: obj["status"]["phase"] == "Succeeded")
        codes = [
            one["state"]["terminated"]["exitCode"] for one in pod["status"]["initContainerStatuses"]
        ]
        assert codes == [0, 0]
        gone = await scene.until(PODS, "job", lambda obj: "podIP" not in obj["status"])
        assert (
            gone["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
        )

    stage(play)


def test_a_container_that_crashes_is_restarted_at_once_and_then_backs_off(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("crash", program("c", "exit 3"))

        def waits(obj: Obj) -> bool:
            (told,) = obj["status"].get("containerStatuses") or [{}]
            reason = told.get("state", {}).get("waiting", {}).get("reason")
            return bool(reason == "CrashLoopBackOff")

        pod = await scene.until(PODS, "crash", waits)
        (told,) = pod["status"]["containerStatuses"]
        assert told["restartCount"] == 1
        assert told["lastState"]["terminated"]["exitCode"] == 3
        while "BackOff" not in await scene.reasons("crash"):
            await turn()

    stage(play)


def test_when_pause_dies_the_pod_gets_another_sandbox_and_address(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        await scene.ready("web")
        os.kill((await sandbox_of(scene, "web")).pid, signal.SIGKILL)

        def replaced(obj: Obj) -> bool:
            (told,) = obj["status"]["containerStatuses"]
            return bool(told["restartCount"] == 1 and told["ready"] and obj["status"].get("podIP"))

        pod = await scene.until(PODS, "web", replaced)
        assert pod["status"]["podIP"] == "10.244.1.3"
        assert "SandboxChanged" in await scene.reasons("web")

    stage(play)


def test_pods_outlive_their_agent_and_the_next_one_takes_them_over(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        await scene.create("gone", program("c", "exec sleep 60"))
        before = await scene.ready("web")
        await scene.ready("gone")
        sandbox = await sandbox_of(scene, "web")
        await scene.end_agent()
        await scene.admin.delete(PODS, "gone", "default", grace=0)
        scene.start_agent()
        await scene.create("new", STAND_IN)
        new = await scene.ready("new")
        after = await scene.admin.get(PODS, "web", "default")
        assert after["status"] == before["status"]
        assert await sandbox_of(scene, "web") == sandbox
        assert new["status"]["podIP"] not in ("10.244.1.2", "10.244.1.3")
        while "gone" in [one.config.name for one in await scene.runtime.list_pod_sandboxes(NODE)]:
            await turn()

    stage(play)


def test_a_pod_on_the_hosts_network_has_the_nodes_address(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("host", program("c", "exec sleep 60"), hostNetwork=True)
        pod = await scene.ready("host")
        assert pod["status"]["podIP"] == pod["status"]["hostIP"] == ADDRESS

    stage(play)


def test_twenty_pods_at_once_have_twenty_addresses(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        pods = [f"web-{number}" for number in range(20)]
        for pod in pods:
            await scene.create(pod, STAND_IN)
        ready = [await scene.ready(pod) for pod in pods]
        assert len({pod["status"]["podIP"] for pod in ready}) == 20

    stage(play)


def agent_url() -> str:
    return f"https://{ADDRESS}:{names.AGENT_PORT}"


def transport(scene: Scene, who: str) -> HttpTransport:
    pki = names.pki_dir(scene.spec.name)
    return HttpTransport.tls(agent_url(), pki / "ca.crt", pki / f"{who}.crt", pki / f"{who}.key")


def test_the_agent_serves_logs_and_exec_to_the_api_server_only(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("prog", program("c", "echo one; echo two; exec sleep 60"))
        await scene.ready("prog")
        client = transport(scene, "client")
        path = "/containerLogs/default/prog/c"
        while (text := await read(client, path)) != b"one\ntwo\n":
            await turn()
        assert await read(client, path, tailLines="1") == b"two\n"
        with pytest.raises(StatusError, match="previous terminated container"):
            await read(client, path, previous="true")
        assert await execute(client, "prog", ["sh", "-c", "cat; exit 5"], b"in") == (b"in", 5)
        assert (await execute(client, "prog", ["no-such-program"]))[1] == 127
        await client.close()
        node = transport(scene, f"node-{NODE}")
        with pytest.raises(StatusError, match="only the API server"):
            await read(node, path)
        await node.close()
        assert text

    stage(play)


def test_the_agent_refuses_who_shows_no_certificate(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        ca = ssl.create_default_context(cafile=str(names.pki_dir(scene.spec.name) / "ca.crt"))
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"{agent_url()}/healthz", ssl=ca)

    stage(play)


async def read(client: HttpTransport, path: str, **query: str) -> bytes:
    return b"".join([chunk async for chunk in client.raw(path, query)])


async def execute(
    client: HttpTransport, pod: str, command: list[str], data: bytes = b""
) -> tuple[bytes, int]:
    """Output and exit code of a command, by version 5 of the channel protocol."""
    query = [("command", word) for word in command]
    query += [("stdin", "true"), ("stdout", "true"), ("stderr", "true")]
    socket = await client.websocket(f"/exec/default/{pod}/c", query)
    await socket.send_bytes(b"\x00" + data)
    await socket.send_bytes(b"\xff\x00")
    output = b""
    async for message in socket:
        if message.data[0] == 3:
            await socket.close()
            return output, exit_code(msgspec.json.decode(message.data[1:]))
        output += message.data[1:] if message.data[0] == 1 else b""
    raise AssertionError("no Status at the end")
