"""Processes that share a namespace: of a pod, and of a container with the one that looks into it."""

import os
import signal

import pytest
from msgspec.structs import replace

from labctl.cri import Container, CriError, RuntimeClient
from tests.runtime.rig import Rig, exited, pod, run_container, wait_until


def test_containers_of_a_sharing_pod_see_each_other_and_pause(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("sharing", shared_processes=True))
        await run_container(client, sandbox, rig.config("sharing-a", "sleep", "1001"))
        second = await run_container(client, sandbox, rig.config("sharing-b", "sleep", "1002"))
        said = (await client.exec_sync(second.id, ("ps", "-eo", "pid,args"), 5)).stdout.decode()
        lines = [line.split(None, 1) for line in said.splitlines()[1:]]
        assert lines[0] == ["1", "catatonit -P"]
        assert {"sleep 1001", "sleep 1002"} <= {args for _, args in lines}
        await client.remove_pod_sandbox(sandbox.id)

    rig.run(scenario)


def test_in_others_pods_each_container_is_alone(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> bytes:
        sandbox = await client.run_pod_sandbox(pod("alone"))
        await run_container(client, sandbox, rig.config("alone-a", "sleep", "1001"))
        second = await run_container(client, sandbox, rig.config("alone-b", "sleep", "1002"))
        return (await client.exec_sync(second.id, ("ps", "-eo", "pid=,args="), 5)).stdout

    said = [line.split(None, 1) for line in rig.run(scenario).decode().splitlines()]
    assert [args for _, args in said] == ["sleep 1002", "ps -eo pid=,args="]
    assert said[0][0] == "1"


def test_a_signal_that_another_container_sends_arrives(rig: Rig) -> None:
    """The example of shareProcessNamespace in Kubernetes' documentation."""

    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod("signal", shared_processes=True))
        target = await run_container(
            client,
            sandbox,
            rig.config(
                "signal-a", "sh", "-c", "trap 'echo hup; exit 3' HUP; while :; do sleep 0.01; done"
            ),
        )
        other = await run_container(client, sandbox, rig.config("signal-b", "sleep", "1000"))
        await client.exec_sync(other.id, ("pkill", "-HUP", "-o", "-f", "echo.hup"), 5)
        return await exited(client, target)

    assert rig.run(scenario).exit_code == 3


def test_what_a_container_left_behind_ends_with_it(rig: Rig) -> None:
    """Its children do not end with a first process that is not the first of their namespace."""

    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("behind", shared_processes=True))
        before = rig.processes()
        left = rig.config("behind", "sh", "-c", "setsid sleep 1003 & echo done")
        ended = await exited(client, await run_container(client, sandbox, left))
        assert ended.reason == "Completed"
        wait_until(lambda: rig.processes() <= before)

    rig.run(scenario)


def test_pauses_end_is_everyones(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> Container:
        config = pod("pause-end", shared_processes=True, node="node-pause")
        sandbox = await client.run_pod_sandbox(config)
        container = await run_container(client, sandbox, rig.config("pause-end", "sleep", "1000"))
        events = await client.subscribe("node-pause")
        os.kill(sandbox.pid, signal.SIGKILL)
        # That the container ended says nothing to whoever knows already that its sandbox did.
        kinds = [(await anext(events)).kind for _ in range(2)]
        assert kinds == ["sandbox-died", "container-exited"]
        events.close()
        return await exited(client, container)

    assert rig.run(scenario).exit_code == 137


@pytest.mark.parametrize("shared", [False, True])
def test_one_that_targets_another_sees_its_processes_and_has_its_own_files(
    rig: Rig, shared: bool
) -> None:
    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod(f"target-{shared}", shared_processes=shared))
        script = "echo mine > /mark; exec sleep 1004"
        await run_container(client, sandbox, rig.config("target", "sh", "-c", script))
        look = "ps -eo args= | grep -c '^sleep 1004'; ls /mark; cat /proc/$(pgrep -f '^sleep 1004')/root/mark"
        config = replace(rig.config(f"tool-{shared}", "sh", "-c", look), target="target")
        return await exited(client, await run_container(client, sandbox, config))

    said = rig.log(rig.run(scenario))
    assert said == ["1", "ls: cannot access '/mark': No such file or directory", "mine"]


def test_who_targets_nobody_is_told(rig: Rig) -> None:
    async def play(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("lost"))
        config = replace(rig.config("lost", "true"), target="nobody")
        await run_container(client, sandbox, config)

    with pytest.raises(CriError, match="unable to find target container nobody"):
        rig.run(play)
