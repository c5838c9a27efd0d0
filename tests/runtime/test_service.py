"""The runtime's socket: pipelining, events, bad requests, who may connect."""

import asyncio
import json
import socket
import stat
from pathlib import Path

import pytest

from labctl import names
from labctl.cri import Container, CriError, RuntimeClient, RuntimeUnavailable, Sandbox
from tests.runtime.rig import DEADLINE_SECONDS, Rig, exited, pod, run_container


def _connected(rig: Rig) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(DEADLINE_SECONDS)
    client.connect(str(names.runtime_socket(rig.lab)))
    return client


def test_only_root_may_connect(rig: Rig) -> None:
    assert stat.S_IMODE(names.runtime_socket(rig.lab).stat().st_mode) == 0o600


def test_requests_are_pipelined_on_one_connection(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> list[Sandbox]:
        pods = [pod(f"pipe-{n}", node="node-p") for n in range(30)]
        made = await asyncio.gather(*(client.run_pod_sandbox(config) for config in pods))
        assert await client.list_pod_sandboxes("node-p") == made
        await asyncio.gather(*(client.remove_pod_sandbox(sandbox.id) for sandbox in made))
        return await client.list_pod_sandboxes("node-p")

    assert rig.run(scenario) == []


def test_a_slow_verb_holds_no_other_up(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("slow"))
        container = await run_container(client, sandbox, rig.config("slow", "sleep", "1000"))
        stopping = asyncio.ensure_future(client.stop_container(container.id, 100))
        assert (await client.status()).pid == rig.pid
        assert not stopping.done()
        await client.stop_pod_sandbox(sandbox.id)
        assert (await stopping).exit_code == 137

    rig.run(scenario)


def test_events_are_of_ones_own_node_and_in_order(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        events = await client.subscribe("node-e")
        for name, node in (("other", "node-o"), ("mine", "node-e"), ("next", "node-e")):
            sandbox = await client.run_pod_sandbox(pod(f"events-{name}", node=node))
            config = rig.config(name, "sh", "-c", "exit 3")
            await exited(client, await run_container(client, sandbox, config))
        first, second = [await anext(events) for _ in range(2)]
        assert (first.kind, second.kind) == ("container-exited", "container-exited")
        assert first.container is not None
        assert (first.sandbox_id, first.container.exit_code) == ("uid-events-mine-0", 3)
        assert second.container is not None
        assert second.container.config.name == "next"
        events.close()

    rig.run(scenario)


def test_what_is_unknown_or_malformed_gets_an_error_that_names_it(rig: Rig) -> None:
    with _connected(rig) as client, client.makefile("rb") as lines:
        client.sendall(b'{"id":1,"method":"Dance","params":{}}\n')
        assert json.loads(lines.readline()) == {
            "id": 1,
            "error": {"message": "no method 'Dance'", "reason": "InvalidArgument", "code": 0},
        }
        client.sendall(b'{"id":2,"method":"StartContainer","params":{"id":5}}\n')
        answer = json.loads(lines.readline())
        assert answer["error"]["message"].endswith("Expected `str`, got `int` - at `$.id`")
        client.sendall(b"nonsense\n")
        assert lines.readline() == b""


def test_a_client_that_never_reads_holds_nobody_up(rig: Rig) -> None:
    with _connected(rig) as deaf:
        deaf.setblocking(False)
        line = b'{"id":1,"method":"Status","params":{}}\n'
        deaf.send(line * 1000)

        async def scenario(client: RuntimeClient) -> int:
            return (await client.status()).pid

        assert rig.run(scenario) == rig.pid


def test_without_a_runtime_the_client_says_so_and_finds_the_next_one(own_rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        events = await client.subscribe()
        await client.status()
        own_rig.end()
        with pytest.raises(RuntimeUnavailable):
            await anext(events)
        with pytest.raises(RuntimeUnavailable):
            await client.status()
        await asyncio.to_thread(own_rig.start)
        assert (await client.status()).pid == own_rig.pid

    own_rig.run(scenario)


def test_what_is_unknown_can_be_stopped_and_removed_but_not_started(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        await client.stop_pod_sandbox("nobody-0")
        await client.remove_pod_sandbox("nobody-0")
        await client.remove_container("nobody-0.c.0")
        for verb in (client.start_container, client.container_status):
            with pytest.raises(CriError) as refused:
                await verb("nobody-0.c.0")
            assert refused.value.reason == "NotFound"

    rig.run(scenario)


def test_a_process_title_says_what_it_is(rig: Rig) -> None:
    title = Path(f"/proc/{rig.pid}/cmdline").read_bytes().rstrip(b"\0").decode()
    assert title == names.runtime_title(rig.lab)


def test_what_is_asked_of_a_sandbox_that_is_being_stopped_is_refused_or_ended(rig: Rig) -> None:
    """Twenty starts race with one stop; whoever wins, nothing is left behind."""
    before = rig.processes()

    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("race"))
        configs = [rig.config(f"race{n}", "sleep", "1000") for n in range(20)]
        made = await asyncio.gather(
            *(client.create_container(sandbox.id, config) for config in configs)
        )
        starts = [asyncio.ensure_future(client.start_container(one.id)) for one in made]
        await asyncio.wait(starts, return_when=asyncio.FIRST_COMPLETED)
        await client.remove_pod_sandbox(sandbox.id)
        results = await asyncio.gather(*starts, return_exceptions=True)
        assert {type(result) for result in results} <= {Container, CriError}

    rig.run(scenario)
    assert rig.processes() == before
