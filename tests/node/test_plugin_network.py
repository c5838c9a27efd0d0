"""A node whose pods are put on the network by CNI plugins, good ones and bad ones."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from labctl import names
from labctl.api.kinds.core import EVENTS, NODES, PODS
from labctl.api.lab import CniSpec, NetworkSpec
from labctl.api.objects import Obj, condition, is_condition_true
from tests.cni.plugins import VERSIONS, calls, conflist, write_plugin
from tests.node.conftest import MakeStage
from tests.node.requests import ask
from tests.node.scene import NODE, Scene, turn

DEBIAN = "/usr/lib/cni"
STAND_IN: Obj = {"name": "web", "image": "nginx:1.14.2", "ports": [{"containerPort": 80}]}

# A plugin that gives out the addresses .1, .2, … and touches no kernel. `fail.COMMAND` beside it,
# if there is such a file, is what it does first.
GIVES = f"""\
if [ $CNI_COMMAND = VERSION ]; then echo '{VERSIONS}'; exit; fi
if [ -e $here/fail.$CNI_COMMAND ]; then . $here/fail.$CNI_COMMAND; fi
if [ $CNI_COMMAND = ADD ]; then
    next=$(ls $here | grep -c '^given') ; touch $here/given.$CNI_CONTAINERID
    echo '{{"cniVersion": "1.0.0", "ips": [{{"address": "10.244.1.'$((next + 1))'/24"}}]}}'
fi
"""
BOOM = 'echo \'{"code": 100, "msg": "boom"}\'; exit 1'


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A directory with the plugin `own`."""
    directory = tmp_path / "bin"
    directory.mkdir()
    write_plugin(directory, "own", GIVES)
    return directory


def network(directory: Path, version: str = "1.0.0", seconds: float = 10.0) -> NetworkSpec:
    return NetworkSpec(cni=CniSpec(conflist("own", version=version), str(directory), seconds))


def reference(kind: str) -> NetworkSpec:
    ipam = {"type": "host-local", "subnet": "usePodCidr", "routes": [{"dst": "0.0.0.0/0"}]}
    plugin = {"type": kind, "isGateway": True, "ipam": ipam}
    mapper = {"type": "portmap", "capabilities": {"portMappings": True}}
    obj = {"cniVersion": "1.0.0", "name": "net", "plugins": [plugin, mapper]}
    return NetworkSpec(cni=CniSpec(obj, DEBIAN))


async def event(scene: Scene, reason: str) -> str:
    """The message of the first Event for that reason, once there is one."""
    while True:
        for one in (await scene.admin.list(EVENTS, "default")).items:
            if one["reason"] == reason:
                return str(one["message"])
        await turn()


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await turn()


def state(scene: Scene) -> Path:
    return names.cni_dir(scene.spec.name, NODE)


@pytest.mark.parametrize("kind", ["bridge", "ptp"])
def test_a_pod_on_debians_plugins_from_birth_to_end(make_stage: MakeStage, kind: str) -> None:
    async def play(scene: Scene) -> None:
        mapped = {**STAND_IN, "ports": [{"containerPort": 80, "hostPort": 8080}]}
        await scene.create("web", mapped)
        shows = {"name": "c", "image": "i", "command": ["sh", "-c", "cat /etc/hosts; sleep 60"]}
        await scene.create("hosts", shows)
        web, hosts = await scene.ready("web"), await scene.ready("hosts")
        address = web["status"]["podIP"]
        assert {address, hosts["status"]["podIP"]} == {"10.244.1.2", "10.244.1.3"}
        here = "/proc/self/ns/net"
        assert ask(here, address, 80)["pod"] == "web"
        assert ask(here, "172.30.1.1", 8080)["pod"] == "web"
        uid = hosts["metadata"]["uid"]
        log = names.pod_log_dir(scene.spec.name, "default", "hosts", uid) / "c" / "0.log"
        await until(lambda: f"{hosts['status']['podIP']}\thosts" in log.read_text())
        reserved = state(scene) / "networks" / "net"
        assert (reserved / address).exists()
        for pod, grace in (("web", 30), ("hosts", 1)):
            await scene.admin.delete(PODS, pod, "default", grace=grace)
            await scene.until_gone(PODS, pod)
        assert list(reserved.glob("10.*")) == []
        assert list((state(scene) / "attachments").iterdir()) == []
        assert ask(here, "172.30.1.1", 8080) == {}
        assert _links() <= {"lo", "eth0", "cni0"}

    make_stage(reference(kind))(play)


def _links() -> set[str]:
    return {link["ifname"] for link in json.loads(_ip("-json", "link"))}


def _ip(*words: str) -> bytes:
    return subprocess.run(["ip", *words], capture_output=True, check=True).stdout


def test_a_link_that_somebody_deletes_costs_the_pod_its_sandbox(make_stage: MakeStage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        before = await scene.ready("web")
        (veth,) = [link for link in _links() if link.startswith("veth")]
        _ip("link", "delete", veth)

        def replaced(obj: Obj) -> bool:
            (told,) = obj["status"]["containerStatuses"]
            return bool(told["restartCount"] == 1 and told["ready"])

        after = await scene.until(PODS, "web", replaced)
        assert after["status"]["podIP"] != before["status"]["podIP"]
        assert "SandboxChanged" in await scene.reasons("web")

    make_stage(reference("ptp"))(play)


async def hurt(scene: Scene, pod: Obj, line: str) -> None:
    """Runs a line in the pod's network namespace, as somebody from outside."""
    sandboxes = await scene.runtime.list_pod_sandboxes()
    (pid,) = [one.pid for one in sandboxes if one.config.uid == pod["metadata"]["uid"]]
    words = ["nsenter", f"--net=/proc/{pid}/ns/net", "sh", "-ec", line]
    await asyncio.to_thread(subprocess.run, words, check=True)


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["bridge", "ptp"])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ip route del default", "no default via 10.244.1.1 dev eth0"),
        ("ip address flush dev eth0", "no 10.244.1.2/"),
        ("ip link set eth0 down", "veth eth0 down"),
    ],
)
def test_a_pods_side_that_fails_check_is_put_back(
    make_stage: MakeStage, kind: str, line: str, said: str
) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        pod = await scene.ready("web")
        began = monotonic()
        await hurt(scene, pod, line)
        assert said in await event(scene, "NetworkHealed")
        assert monotonic() - began < 1.0
        assert ask("/proc/self/ns/net", pod["status"]["podIP"], 80)["pod"] == "web"
        after = await scene.admin.get(PODS, "web", "default")
        assert after["status"]["containerStatuses"][0]["restartCount"] == 0

    make_stage(reference(kind))(play)


def test_a_pod_whose_interface_is_gone_gets_a_new_sandbox(make_stage: MakeStage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        pod = await scene.ready("web")
        await hurt(
            scene, pod, "printf 'link set eth0 down\\nlink set eth0 name other' | ip -batch -"
        )
        message = await event(scene, "NetworkHealed")
        assert message == "found no veth eth0, did: a new sandbox"
        after = await scene.until(PODS, "web", _restarted)
        assert ask("/proc/self/ns/net", after["status"]["podIP"], 80)["pod"] == "web"

    make_stage(reference("ptp"))(play)


def _restarted(pod: Obj) -> bool:
    (told,) = pod["status"]["containerStatuses"]
    return bool(told["restartCount"] == 1 and told["ready"])


# A device in the pod, for plugins that make none by themselves.
_DEVICE = "ip link add net1 up type bridge; ip address add 192.0.2.1/24 dev net1"


def with_device() -> str:
    made = f'nsenter --net=$CNI_NETNS sh -ec "{_DEVICE}"'
    return GIVES.replace("    next=$(", f"    {made}\n    next=$(", 1)


def test_what_passes_check_is_right_from_then_on(make_stage: MakeStage, plugins: Path) -> None:
    write_plugin(plugins, "own", with_device())

    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        pod = await scene.ready("web")
        for wish, asked in (("198.51.100.0/24", 1), ("198.51.101.0/24", 2)):
            await hurt(scene, pod, f"ip route add {wish} dev net1")
            await until(lambda: _checks(plugins) == asked)  # noqa: B023
        await hurt(scene, pod, "ip route del 198.51.100.0/24")
        await until(lambda: _checks(plugins) == 3)
        assert "NetworkHealed" not in await scene.reasons("web")

    make_stage(network(plugins))(play)


def test_a_check_that_never_worked_costs_no_sandbox(make_stage: MakeStage, plugins: Path) -> None:
    write_plugin(plugins, "own", with_device())
    (plugins / "fail.CHECK").write_text(BOOM)

    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        pod = await scene.ready("web")
        await hurt(scene, pod, "ip address del 192.0.2.1/24 dev net1")
        assert "no 192.0.2.1/24 dev net1" in await event(scene, "NetworkHealed")
        assert _checks(plugins) == 2
        after = await scene.admin.get(PODS, "web", "default")
        assert after["status"]["containerStatuses"][0]["restartCount"] == 0

    make_stage(network(plugins))(play)


def _checks(plugins: Path) -> int:
    return sum(one.startswith("CHECK") for one in calls(plugins))


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        (BOOM, "boom"),
        ("echo rubbish; exit 0", "it printed no JSON: 'rubbish'"),
        ("echo '{}'; exit 0", "its result has no IPv4 address"),
        ("exit 4", "exit code 4, and not a word why"),
        ("sleep 1000", "it was not done after 0.5 s, and was killed"),
    ],
)
def test_a_plugin_that_fails_is_told_and_nothing_else_suffers(
    make_stage: MakeStage, plugins: Path, fails: str, said: str
) -> None:
    async def play(scene: Scene) -> None:
        (plugins / "fail.ADD").write_text(fails)
        await scene.create("web", STAND_IN)
        message = await event(scene, "FailedCreatePodSandBox")
        uid = (await scene.admin.get(PODS, "web", "default"))["metadata"]["uid"]
        assert message == (
            f'Failed to create pod sandbox: failed to setup network for sandbox "{uid}-0": '
            f'plugin type="own" failed (add): {said}'
        )
        waiting = await scene.admin.get(PODS, "web", "default")
        assert waiting["status"]["phase"] == "Pending"
        assert "podIP" not in waiting["status"]
        host = {"name": "c", "image": "i", "command": ["sleep", "60"]}
        await scene.create("host", host, hostNetwork=True)
        await scene.ready("host")
        (plugins / "fail.ADD").unlink()  # it is tried again by itself
        assert (await scene.ready("web"))["status"]["podIP"].startswith("10.244.1.")
        asked = [one.split()[0] for one in calls(plugins) if not one.startswith("VERSION")]
        assert "ADD ADD" not in " ".join(asked), "no ADD without a DEL between"

    make_stage(network(plugins, seconds=0.5))(play)


def test_an_address_is_never_taken_twice(make_stage: MakeStage, plugins: Path) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("one", STAND_IN)
        address = (await scene.ready("one"))["status"]["podIP"]
        gives = f'echo \'{{"ips": [{{"address": "{address}/24"}}]}}\'; exit 0'
        (plugins / "fail.ADD").write_text(gives)
        await scene.create("two", STAND_IN)
        message = await event(scene, "FailedCreatePodSandBox")
        assert f"the plugins gave {address}, which pod default/one has" in message
        (plugins / "fail.ADD").unlink()
        assert (await scene.ready("two"))["status"]["podIP"] != address

    make_stage(network(plugins))(play)


def test_a_pod_goes_when_its_network_has_let_it_go(make_stage: MakeStage, plugins: Path) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        await scene.ready("web")
        (plugins / "fail.DEL").write_text(BOOM)
        await scene.admin.delete(PODS, "web", "default")
        message = await event(scene, "FailedKillPod")
        assert message.startswith('error killing pod: failed to destroy network for sandbox "')
        assert message.endswith('plugin type="own" failed (delete): boom')
        await scene.admin.get(PODS, "web", "default")
        (plugins / "fail.DEL").unlink()
        await scene.until_gone(PODS, "web")

    make_stage(network(plugins))(play)


def test_the_next_agent_knows_what_was_attached(make_stage: MakeStage, plugins: Path) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("stays", STAND_IN)
        await scene.create("goes", STAND_IN)
        stays, goes = await scene.ready("stays"), await scene.ready("goes")
        before = len(calls(plugins))
        await scene.end_agent()
        await scene.admin.delete(PODS, "goes", "default", grace=0)
        sandbox = f"{goes['metadata']['uid']}-0"
        scene.start_agent()
        await until(lambda: f"DEL own {sandbox}" in calls(plugins)[before:])
        kept = f"{stays['metadata']['uid']}-0"
        asked = calls(plugins)[before:]
        assert f"ADD own {kept}" not in asked
        assert f"CHECK own {kept}" in asked
        assert asked.index("GC own ") < asked.index(f"DEL own {sandbox}")
        gc = json.loads((plugins / "own.GC.json").read_text())
        valid = {one["containerID"] for one in gc["cni.dev/valid-attachments"]}
        assert valid == {kept, sandbox}
        del_config = json.loads((plugins / "own.DEL.json").read_text())
        assert del_config["prevResult"]["ips"][0]["address"].startswith("10.244.1.")
        after = await scene.admin.get(PODS, "stays", "default")
        assert after["status"] == stays["status"]

    make_stage(network(plugins, "1.1.0"))(play)


def test_a_sandbox_that_is_gone_is_deleted_by_the_next_agent(
    make_stage: MakeStage, plugins: Path
) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", STAND_IN)
        pod = await scene.ready("web")
        before = len(calls(plugins))
        await scene.end_agent()
        sandbox = f"{pod['metadata']['uid']}-0"
        await scene.runtime.remove_pod_sandbox(sandbox)  # as a reboot of the machine would
        scene.start_agent()
        await until(lambda: f"DEL own {sandbox}" in calls(plugins)[before:])
        environment = (plugins / "own.DEL.env").read_text().splitlines()
        assert "CNI_NETNS=" in environment, "a namespace that is gone has no path"
        await until(lambda: calls(plugins)[-1].startswith("ADD own"))

    make_stage(network(plugins))(play)


def test_an_agent_that_ends_during_add_leaves_a_del_to_the_next(
    make_stage: MakeStage, plugins: Path
) -> None:
    async def play(scene: Scene) -> None:
        (plugins / "fail.ADD").write_text("sleep 1000")
        await scene.create("web", STAND_IN)
        await until(lambda: any(one.startswith("ADD") for one in calls(plugins)))
        (plugins / "fail.ADD").unlink()
        await scene.end_agent()
        scene.start_agent()
        await scene.ready("web")
        asked = [one.split()[0] for one in calls(plugins) if one[:3] in ("ADD", "DEL")]
        assert asked[0] == "ADD"
        assert asked[-2:] == ["DEL", "ADD"]

    make_stage(network(plugins))(play)


def test_the_node_is_ready_when_its_plugins_say_so(make_stage: MakeStage, plugins: Path) -> None:
    async def play(scene: Scene) -> None:
        no_daemon = 'echo \'{"code": 50, "msg": "no daemon"}\'; exit 1'
        (plugins / "fail.STATUS").write_text(no_daemon)
        scene.start_agent()
        await scene.until(NODES, NODE, lambda _: True)
        await scene.admin.patch(NODES, NODE, {"spec": {"podCIDR": "10.244.1.0/24"}})
        node = await scene.until(NODES, NODE, lambda obj: "no daemon" in _why(obj))
        assert _why(node) == (
            "container runtime network not ready: NetworkReady=false "
            "reason:NetworkPluginNotReady message:Network plugin returns error: "
            'plugin type="own" failed (status): no daemon'
        )
        await scene.create("web", STAND_IN)
        assert "no daemon" in await event(scene, "NetworkNotReady")
        (plugins / "fail.STATUS").unlink()
        await scene.until(NODES, NODE, lambda obj: is_condition_true(obj, "Ready"))
        await scene.ready("web")

    make_stage(network(plugins, "1.1.0"), registered=False)(play)


def _why(node: Obj) -> str:
    found: dict[str, Any] = condition(node, "Ready") or {}
    return str(found.get("message", ""))


def test_a_plugin_that_cannot_speak_the_version_keeps_the_node_from_being_ready(
    make_stage: MakeStage, plugins: Path
) -> None:
    async def play(scene: Scene) -> None:
        scene.start_agent()
        await scene.until(NODES, NODE, lambda _: True)
        await scene.admin.patch(NODES, NODE, {"spec": {"podCIDR": "10.244.1.0/24"}})
        wanted = 'no plugin speaks cniVersion 0.3.0: plugin type="own" supports 0.3.1'
        await scene.until(NODES, NODE, lambda obj: wanted in _why(obj))

    make_stage(network(plugins, "0.3.0"), registered=False)(play)
