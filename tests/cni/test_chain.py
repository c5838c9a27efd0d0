"""Chains of real programs: what each is asked, in which order, and what becomes of bad ones."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from labctl.cni.chain import Chain, choose_version
from labctl.cni.config import Attachment
from labctl.cni.errors import CniError
from tests.cni.plugins import ADDS, RESULT, calls, conflist, write_plugin
from tests.waiting import until

BOX = Attachment("box-1", "/proc/self/ns/net", args=(("IgnoreUnknown", "1"),))
RESULT_OBJECT = json.loads(RESULT)


def chain(directory: Path, *types: str, seconds: float = 10.0, version: str = "1.1.0") -> Chain:
    return Chain(conflist(*types), version, (str(directory),), seconds)


def asked(directory: Path, name: str, command: str) -> dict[str, Any]:
    """What a plugin read when it was last asked."""
    found: dict[str, Any] = json.loads((directory / f"{name}.{command}.json").read_text())
    return found


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A directory with two good plugins: the second says what it was told."""
    write_plugin(tmp_path, "first")
    passes_on = """sed 's/.*"prevResult": //; s/}$//' "$here/$name.ADD.json" """
    write_plugin(tmp_path, "second", f"if [ $CNI_COMMAND = ADD ]; then {passes_on}; fi")
    return tmp_path


def test_add_goes_forward_and_hands_the_result_on(two: Path) -> None:
    result = asyncio.run(chain(two, "first", "second").add(BOX))
    assert result == {**RESULT_OBJECT, "cniVersion": "1.1.0"}
    assert calls(two) == ["ADD first box-1", "ADD second box-1"]
    assert "prevResult" not in asked(two, "first", "ADD")
    assert asked(two, "second", "ADD")["prevResult"] == result
    environment = (two / "second.ADD.env").read_text().splitlines()
    assert "CNI_IFNAME=eth0" in environment
    assert "CNI_NETNS=/proc/self/ns/net" in environment
    assert f"CNI_PATH={two}" in environment


def test_del_goes_backward_with_the_result_of_add(two: Path) -> None:
    asyncio.run(chain(two, "first", "second").delete(BOX, RESULT_OBJECT))
    assert calls(two) == ["DEL second box-1", "DEL first box-1"]
    assert asked(two, "first", "DEL")["prevResult"] == RESULT_OBJECT


def test_del_of_version_0_3_has_no_result(two: Path) -> None:
    asyncio.run(chain(two, "first", version="0.3.1").delete(BOX, RESULT_OBJECT))
    assert "prevResult" not in asked(two, "first", "DEL")


def test_check_gc_and_status_ask_every_plugin(two: Path) -> None:
    async def ask(plugins: Chain) -> None:
        await plugins.check(BOX, RESULT_OBJECT)
        await plugins.collect([BOX])
        await plugins.status()

    asyncio.run(ask(chain(two, "first", "second")))
    assert calls(two) == [
        "CHECK first box-1", "CHECK second box-1",
        "GC first ", "GC second ", "STATUS first ", "STATUS second ",
    ]  # fmt: skip
    valid = [{"containerID": "box-1", "ifname": "eth0"}]
    assert asked(two, "second", "GC")["cni.dev/valid-attachments"] == valid
    asyncio.run(ask(chain(two, "first", version="0.3.1")))
    assert len(calls(two)) == 6, "a version without these commands was asked for them"


FAILS = 'if [ $CNI_COMMAND = ADD ]; then echo \'{"code": 103, "msg": "no luck"}\'; exit 1; fi'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (FAILS, "no luck"),
        ("if [ $CNI_COMMAND = ADD ]; then echo rubbish; fi", "it printed no JSON: 'rubbish'"),
        ("if [ $CNI_COMMAND = ADD ]; then echo '{}'; fi", "its result has no IPv4 address"),
        ("true", "it printed no result"),
        ("if [ $CNI_COMMAND = ADD ]; then kill -9 $$; fi", "signal 9, and not a word why"),
        ("if [ $CNI_COMMAND = ADD ]; then echo why >&2; exit 3; fi", "exit code 3: 'why'"),
        (
            "if [ $CNI_COMMAND = ADD ]; then exec yes; fi",
            "it printed more than 1 MiB",
        ),
    ],
)
def test_a_failed_add_is_told_and_taken_back(two: Path, body: str, said: str) -> None:
    write_plugin(two, "bad", body)
    with pytest.raises(CniError) as caught:
        asyncio.run(chain(two, "first", "bad").add(BOX))
    assert caught.value.message == f'plugin type="bad" failed (add): {said}'
    assert calls(two) == ["ADD first box-1", "ADD bad box-1", "DEL bad box-1", "DEL first box-1"]


def test_a_plugin_that_hangs_is_killed_with_its_children(two: Path) -> None:
    write_plugin(two, "slow", 'sleep 1000 & echo $! > "$here/child"; sleep 1000')
    before = time.monotonic()
    with pytest.raises(CniError, match=r"failed \(delete\): it was not done after 0.3 s"):
        asyncio.run(chain(two, "slow", seconds=0.3).delete(BOX, None))
    assert time.monotonic() < before + 5
    child = int((two / "child").read_text())
    until(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_plugin_that_leaves_somebody_behind_is_done_when_it_is_done(two: Path) -> None:
    """A child that holds the plugin's output open does not hold up the agent."""
    write_plugin(two, "daemon", f'sleep 100 & echo $! > "$here/child"\n{ADDS}')
    try:
        result = asyncio.run(chain(two, "daemon", seconds=20).add(BOX))
        assert result["ips"] == RESULT_OBJECT["ips"]
    finally:
        os.kill(int((two / "child").read_text()), 9)


def test_a_plugin_that_is_not_there_or_cannot_run(two: Path) -> None:
    with pytest.raises(CniError, match=r'failed to find plugin "gone" in path \['):
        asyncio.run(chain(two, "gone").add(BOX))
    (two / "text").write_text("no program")
    (two / "text").chmod(0o755)
    with pytest.raises(CniError, match="it cannot be run: Exec format error"):
        asyncio.run(chain(two, "text").add(BOX))


def test_status_and_gc_tell_the_first_failure_and_ask_the_rest(two: Path) -> None:
    write_plugin(two, "down", 'echo \'{"code": 50, "msg": "no daemon"}\'; exit 1')
    with pytest.raises(CniError) as caught:
        asyncio.run(chain(two, "down", "first").status())
    assert caught.value.message == 'plugin type="down" failed (status): no daemon'
    assert caught.value.code == 50
    assert calls(two)[-1] == "STATUS first "


def test_the_newest_version_that_all_support_is_spoken(tmp_path: Path) -> None:
    for name, versions in (("new", '"1.0.0", "1.1.0"'), ("old", '"0.4.0", "1.0.0"')):
        write_plugin(tmp_path, name, f"echo '{{\"supportedVersions\": [{versions}]}}'")
    offered, where = ("1.1.0", "1.0.0", "0.4.0"), (str(tmp_path),)
    assert asyncio.run(choose_version(conflist("new", "old", "new"), offered, where)) == "1.0.0"
    assert sorted(calls(tmp_path)) == ["VERSION new ", "VERSION old "], "each is asked once"
    with pytest.raises(CniError) as caught:
        asyncio.run(choose_version(conflist("old", "new"), ("1.1.0",), where))
    assert caught.value.message == (
        'no plugin speaks cniVersion 1.1.0: plugin type="old" supports 0.4.0, 1.0.0'
    )


@pytest.mark.parametrize("body", ["exit 1", "true", "echo rubbish"])
def test_a_plugin_that_does_not_know_version_is_taken_at_its_word(
    tmp_path: Path, body: str
) -> None:
    write_plugin(tmp_path, "own", body)
    assert asyncio.run(choose_version(conflist("own"), ("1.0.0",), (str(tmp_path),))) == "1.0.0"
