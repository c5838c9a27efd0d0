"""Sandboxes against the kernel: namespaces, pins, death."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from labctl import names
from labctl.cri import CriError, Port, RuntimeClient, Sandbox
from labctl.net.namespaces import create_netns
from tests.recorded import recorded
from tests.runtime.rig import Rig, exited, lo_up, pod, run_container, wait_until


def _pin(rig: Rig, name: str) -> Path:
    return names.netns_path(names.pod_netns(rig.lab, "default", name))


def _namespace(pid: int, kind: str) -> str:
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def test_a_sandbox_is_pause_in_namespaces_of_its_own(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> Sandbox:
        return await client.run_pod_sandbox(pod("own"))

    sandbox = rig.run(scenario)
    assert Path(f"/proc/{sandbox.pid}/comm").read_text() == "catatonit\n"
    for kind in ("net", "ipc", "uts"):
        assert _namespace(sandbox.pid, kind) != _namespace(rig.pid, kind)
    for kind in ("mnt", "pid", "user"):
        assert _namespace(sandbox.pid, kind) == _namespace(rig.pid, kind)


def test_the_runtime_stays_in_its_namespaces(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("stay"))
        await exited(client, await run_container(client, sandbox, rig.config("stay", "true")))

    rig.run(scenario)
    for kind in ("net", "ipc", "uts", "pid", "pid_for_children", "mnt"):
        assert _namespace(rig.pid, kind) == _namespace(os.getpid(), kind)


def test_the_pin_is_what_ip_netns_knows_it_by(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        await client.run_pod_sandbox(pod("pinned"))

    rig.run(scenario)
    command = ["ip", "netns", "exec", _pin(rig, "pinned").name, "ip", "-br", "link"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in said.splitlines()] == ["lo"]


def test_asked_again_the_same_sandbox_comes_back(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> tuple[Sandbox, Sandbox]:
        return await client.run_pod_sandbox(pod("twice")), await client.run_pod_sandbox(
            pod("twice")
        )

    first, second = rig.run(scenario)
    assert first == second


def test_stopping_ends_pause_and_removes_the_pin_and_may_be_repeated(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> Sandbox:
        sandbox = await client.run_pod_sandbox(pod("stopped"))
        await client.stop_pod_sandbox(sandbox.id)
        await client.stop_pod_sandbox(sandbox.id)
        (still,) = [s for s in await client.list_pod_sandboxes("node1") if s.id == sandbox.id]
        assert still.state == "notready"
        await client.remove_pod_sandbox(sandbox.id)
        await client.remove_pod_sandbox(sandbox.id)
        assert sandbox.id not in {s.id for s in await client.list_pod_sandboxes()}
        return sandbox

    sandbox = rig.run(scenario)
    assert sandbox.pid not in rig.processes()
    assert not os.path.lexists(_pin(rig, "stopped"))
    assert sandbox.id not in recorded(rig.lab)


def test_a_pin_that_somebody_removes_comes_back_while_its_sandbox_lives(rig: Rig) -> None:
    async def run(client: RuntimeClient) -> Sandbox:
        return await client.run_pod_sandbox(pod("robbed"))

    async def stop(client: RuntimeClient) -> None:
        await client.stop_pod_sandbox(sandbox.id)

    def pinned() -> bool:
        return os.path.lexists(pin) and os.readlink(pin) == sandbox.netns

    sandbox, pin = rig.run(run), _pin(rig, "robbed")
    for command in (["ip", "netns", "delete", pin.name], ["mv", str(pin), f"{pin}.stolen"]):
        subprocess.run(command, check=True)
        wait_until(pinned)
    Path(f"{pin}.stolen").unlink()
    rig.run(stop)
    assert not os.path.lexists(pin)


def test_a_pod_of_the_same_name_takes_the_pin_and_the_old_one_keeps_living(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> tuple[Sandbox, Sandbox]:
        old = await client.run_pod_sandbox(pod("name", uid="uid-old"))
        return old, await client.run_pod_sandbox(pod("name", uid="uid-new"))

    async def stop_old(client: RuntimeClient) -> None:
        await client.stop_pod_sandbox("uid-old-0")

    old, new = rig.run(scenario)
    aside = names.netns_path(names.old_netns(rig.lab, "uid-old"))
    assert os.readlink(_pin(rig, "name")) == new.netns
    assert os.readlink(aside) == old.netns
    rig.run(stop_old)
    assert os.readlink(_pin(rig, "name")) == new.netns
    assert not os.path.lexists(aside)


def test_a_pause_that_is_killed_is_told_at_once_and_nothing_answers_any_more(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("killed", node="node-k"))
        lo_up(sandbox)
        config = rig.config("c")
        container = await run_container(client, sandbox, config)
        events = await client.subscribe("node-k")
        os.kill(sandbox.pid, signal.SIGKILL)
        assert [(await anext(events)).kind for _ in range(2)] == [
            "container-exited",
            "sandbox-died",
        ]
        events.close()
        assert (await client.container_status(container.id)).exit_code == 137
        with pytest.raises(CriError) as refused:
            await client.create_container(sandbox.id, rig.config("late"))
        assert refused.value.reason == "FailedPrecondition"

    rig.run(scenario)
    assert not os.path.lexists(_pin(rig, "killed"))


def test_with_a_stopped_sandbox_its_network_goes(rig: Rig) -> None:
    """The peer of a veth in the pod goes when the pod's namespace does, and not before."""
    node = names.node_netns(rig.lab, "node8")
    create_netns(node)

    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("goes"))
        _plug(node, sandbox)
        web = replace(rig.config("web"), ports=(Port(80), Port(80, "UDP")))
        stand_in = await run_container(client, sandbox, web)
        await run_container(client, sandbox, rig.config("sleep", "sleep", "1000"))
        held = asyncio.ensure_future(client.exec_sync(stand_in.id, ("sleep", "1000"), 10))
        assert _has_port(node)
        await client.stop_pod_sandbox(sandbox.id)
        await asyncio.wait([held])

    rig.run(scenario)
    wait_until(lambda: not _has_port(node))


def _plug(node: str, sandbox: Sandbox) -> None:
    peer = ["peer", "name", "eth0", "netns", str(sandbox.pid)]
    subprocess.run(["ip", "-n", node, "link", "add", "port", "type", "veth", *peer], check=True)
    lo_up(sandbox)


def _has_port(node: str) -> bool:
    said = subprocess.run(["ip", "-n", node, "-br", "link"], capture_output=True, check=True)
    return b"port@" in said.stdout


def test_a_pod_on_the_hosts_network_is_in_the_namespace_of_its_node(rig: Rig) -> None:
    node = names.node_netns(rig.lab, "node7")
    create_netns(node)

    async def scenario(client: RuntimeClient) -> Sandbox:
        return await client.run_pod_sandbox(pod("host-net", node="node7", host_network=True))

    sandbox = rig.run(scenario)
    assert os.stat(sandbox.netns).st_ino == os.stat(names.netns_path(node)).st_ino
    assert _namespace(sandbox.pid, "uts") != _namespace(rig.pid, "uts")


@pytest.mark.parametrize("value", ["", "../../etc", "a/b", ".", "a\nb"])
def test_what_cannot_be_a_file_name_is_refused(rig: Rig, value: str) -> None:
    async def scenario(client: RuntimeClient) -> None:
        await client.run_pod_sandbox(replace(pod("bad"), uid=value))

    with pytest.raises(CriError, match="sandbox uid") as refused:
        rig.run(scenario)
    assert refused.value.reason == "InvalidArgument"


def test_a_hundred_sandboxes_come_and_go_and_leave_nothing(rig: Rig) -> None:
    before = rig.processes()
    descriptors = len(os.listdir(f"/proc/{rig.pid}/fd"))

    async def scenario(client: RuntimeClient) -> None:
        for n in range(100):
            sandbox = await client.run_pod_sandbox(pod(f"many-{n}"))
            await run_container(client, sandbox, rig.config("web"))
            await client.remove_pod_sandbox(sandbox.id)

    rig.run(scenario)
    assert rig.processes() == before
    wait_until(lambda: len(os.listdir(f"/proc/{rig.pid}/fd")) <= descriptors)
