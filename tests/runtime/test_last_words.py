"""What a container says of its end: its own message, or the end of its log."""

from typing import Any

import pytest
from msgspec.structs import replace

from labctl.cri import Container, RuntimeClient
from labctl.cri.messages import Security
from labctl.runtime.last_words import log_tail
from tests.runtime.rig import Rig, exited, pod, run_container

PATH = "/dev/termination-log"


def _ended(rig: Rig, name: str, script: str, **changes: Any) -> Container:
    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod(f"words-{name}"))
        config = rig.config(f"words-{name}", "sh", "-c", script)
        config = replace(config, **{"message_path": PATH, **changes})
        return await exited(client, await run_container(client, sandbox, config))

    return rig.run(scenario)


def test_what_it_wrote_into_the_file_is_its_message(rig: Rig) -> None:
    assert _ended(rig, "file", f"echo bad luck > {PATH}; exit 3").message == "bad luck\n"
    assert _ended(rig, "silent", "exit 3").message == ""
    long = _ended(rig, "long", f"head -c 5000 /dev/zero | tr '\\0' x > {PATH}")
    assert long.message == "x" * 4096


def test_the_file_can_be_anywhere_and_written_by_anyone(rig: Rig) -> None:
    said = _ended(
        rig,
        "anywhere",
        "echo fine > /tmp/last/words",
        message_path="/tmp/last/words",
        security=Security(user=1000, read_only_root=True),
    )
    assert (said.message, said.exit_code) == ("fine\n", 0)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo one; echo two; exit 1", "one\ntwo"),
        ("echo one", ""),  # it did not fail
        (f"echo one; echo own > {PATH}; exit 1", "own\n"),
    ],
)
def test_the_end_of_its_log_speaks_for_one_that_failed(rig: Rig, script: str, message: str) -> None:
    name = f"log-{abs(hash(script))}"
    assert _ended(rig, name, script, message_from_log=True).message == message


def test_of_a_log_the_last_lines_are_taken() -> None:
    lines = b"".join(b"2016-10-06T00:17:09.669794202Z stdout F %d\n" % n for n in range(200))
    assert log_tail(lines).split(b"\n") == [b"%d" % n for n in range(120, 200)]
    assert log_tail(b"2016-10-06T00:17:09.669794202Z stdout F " + b"x" * 5000) == b"x" * 2048
    assert log_tail(b"") == log_tail(b"no log line") == b""


def test_a_runtime_that_comes_after_finds_the_message(own_rig: Rig) -> None:
    async def begin(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod("after"))
        script = f"echo early > {PATH}; while [ ! -e /go ]; do sleep 0.01; done; exit 4"
        config = replace(own_rig.config("after", "sh", "-c", script), message_path=PATH)
        return await run_container(client, sandbox, config)

    container = own_rig.run(begin)
    own_rig.end()
    own_rig.start()

    async def finish(client: RuntimeClient) -> Container:
        await client.exec_sync(container.id, ("touch", "/go"), 5)
        return await exited(client, container)

    ended = own_rig.run(finish)
    assert (ended.reason, ended.message) == ("ContainerStatusUnknown", "early\n")
