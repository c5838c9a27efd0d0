"""Pods as their specs have them: users, limits, names, volumes, last words; and what cannot be."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labctl import names
from labctl.api.kinds.core import EVENTS, PODS
from labctl.api.objects import Obj
from labctl.cgroups.hierarchies import read_hierarchies
from labctl.mounting import detach, mount
from tests.node.conftest import Stage
from tests.node.scene import Scene, turn
from tests.node.test_agent import program

MakeDisk = Callable[[str, str], None]
NEVER: Any = {"restartPolicy": "Never"}


async def outcome(scene: Scene, script: str, own: Obj | None = None, **spec: Any) -> Obj:
    """How a container ended that ran `script` once."""
    await scene.create("job", {**program("c", script), **(own or {})}, **NEVER, **spec)
    obj = await scene.until(PODS, "job", _is_over)
    ended: Obj = obj["status"]["containerStatuses"][0]["state"]["terminated"]
    return ended


def _is_over(pod: Obj) -> bool:
    return pod["status"]["phase"] in ("Succeeded", "Failed")


async def waiting(scene: Scene, container: Obj, **spec: Any) -> Obj:
    """Why a container does not start."""
    await scene.create("stuck", container, **spec)

    def is_told(pod: Obj) -> bool:
        statuses = pod["status"].get("containerStatuses") or [{"state": {}}]
        return bool(statuses[0]["state"].get("waiting", {}).get("message"))

    obj = await scene.until(PODS, "stuck", is_told)
    told: Obj = obj["status"]["containerStatuses"][0]["state"]["waiting"]
    return told


async def messages(scene: Scene, pod: str, reason: str, count: int = 1) -> list[str]:
    """What Events of that reason say, once there are so many."""
    found: list[str] = []
    while len(found) < count:
        await turn()
        events = (await scene.admin.list(EVENTS, "default")).items
        own = [one for one in events if one["involvedObject"]["name"] == pod]
        found = sorted(one["message"] for one in own if one["reason"] == reason)
    return found


def test_its_user_owns_what_the_pods_group_may_write(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        script = (
            "{ id -u; id -G; touch /data/mine && stat -c %g /data/mine; stat -c %a /memory;"
            " df -T /memory | tail -n1 | tr -s ' ' | cut -d' ' -f2,3; hostname; hostname -f;"
            " } > /dev/termination-log 2>&1"
        )
        mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("data", "memory")]
        ended = await outcome(
            scene,
            script,
            {"volumeMounts": mounts},
            securityContext={"runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 2000},
            hostname="db",
            subdomain="store",
            setHostnameAsFQDN=True,
            volumes=[
                {"name": "data", "emptyDir": {}},
                {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            ],
        )
        whole = "db.store.default.svc.cluster.local"
        assert ended["message"].splitlines() == [
            "1000", "3000 2000", "2000", "2777", "tmpfs 1024", whole, whole,
        ]  # fmt: skip

    stage(play)


def test_its_files_name_whom_it_knows(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        script = "{ tail -n1 /etc/hosts; cat /etc/resolv.conf; } > /dev/termination-log"
        ended = await outcome(
            scene,
            script,
            hostAliases=[{"ip": "10.1.2.3", "hostnames": ["foo.local", "bar.local"]}],
            dnsPolicy="None",
            dnsConfig={"nameservers": ["192.0.2.1"], "searches": ["ns1.svc"]},
        )
        assert ended["message"].splitlines() == [
            "10.1.2.3\tfoo.local\tbar.local",
            "search ns1.svc",
            "nameserver 192.0.2.1",
        ]

    stage(play)


@pytest.mark.skipif("memory" in read_hierarchies().missing, reason="no memory controller here")
def test_one_that_is_oom_killed_says_so_and_starts_anew(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        greedy = program("c", "exec /usr/bin/python3 -c 'x = bytearray(200 << 20)'")
        limits = {"resources": {"limits": {"memory": "50Mi"}}}
        await scene.create("greedy", {**greedy, **limits})

        def has_died(pod: Obj) -> bool:
            statuses = pod["status"].get("containerStatuses") or [{"lastState": {}}]
            return bool(statuses[0]["lastState"])

        obj = await scene.until(PODS, "greedy", has_died)
        last = obj["status"]["containerStatuses"][0]["lastState"]["terminated"]
        assert (last["reason"], last["exitCode"]) == ("OOMKilled", 137)
        await scene.until(
            PODS,
            "greedy",
            lambda pod: (
                pod["status"]["containerStatuses"][0]["state"].get("waiting", {}).get("reason")
                == "CrashLoopBackOff"
            ),
        )

    stage(play)


def test_a_failed_one_may_let_its_log_speak(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        own = {"terminationMessagePolicy": "FallbackToLogsOnError"}
        ended = await outcome(scene, "echo one; echo two >&2; exit 3", own)
        assert (ended["reason"], ended["exitCode"]) == ("Error", 3)
        assert sorted(ended["message"].split("\n")) == ["one", "two"]

    stage(play)


def test_a_shared_process_namespace_lets_one_signal_another(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        victim = program("victim", "trap 'exit 9' HUP; while :; do sleep 0.05; done")
        killer = program("killer", "until pkill -HUP -o -f exit.9; do sleep 0.05; done; sleep 600")
        spec: Any = {"shareProcessNamespace": True, **NEVER}
        await scene.create("job", victim, killer, **spec)

        def has_ended(pod: Obj) -> bool:
            statuses = pod["status"].get("containerStatuses") or [{"state": {}}]
            return "terminated" in statuses[0]["state"]

        obj = await scene.until(PODS, "job", has_ended)
        assert obj["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 9

    stage(play)


def test_root_that_must_not_run_waits_with_the_kubelets_words(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        spec: Any = {"securityContext": {"runAsNonRoot": True}}
        told = await waiting(scene, program("c", "true"), **spec)
        assert told["reason"] == "CreateContainerConfigError"
        words = 'container has runAsNonRoot and image will run as root (pod: "stuck_default('
        assert told["message"].startswith(words)
        assert f"Error: {told['message']}" in await messages(scene, "stuck", "Failed")

    stage(play)


def test_what_a_container_refers_to_in_vain_is_named(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        container = {**program("c", "true"), "envFrom": [{"configMapRef": {"name": "none"}}]}
        told = await waiting(scene, container)
        assert told == {
            "reason": "CreateContainerConfigError",
            "message": 'configmap "none" not found',
        }
        await scene.create("other", program("c", "exec sleep 60"))  # nobody else minds
        await scene.ready("other")

    stage(play)


def test_an_unknown_capability_is_named(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        context = {"securityContext": {"capabilities": {"add": ["FLY"]}}}
        told = await waiting(scene, {**program("c", "true"), **context})
        assert told["reason"] == "CreateContainerError"
        assert told["message"] == 'unknown capability "CAP_FLY"'

    stage(play)


def test_a_sysctl_of_the_machine_is_no_pods(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        settings = [{"name": "kernel.panic", "value": "0"}]
        await scene.create("stuck", program("c", "true"), securityContext={"sysctls": settings})
        (text,) = set(await messages(scene, "stuck", "FailedCreatePodSandBox"))
        assert 'forbidden sysctl: "kernel.panic"' in text

    stage(play)


def test_what_is_not_applied_is_an_event(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        own = {
            "securityContext": {
                "capabilities": {"add": ["SYS_ADMIN"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            }
        }
        await scene.create("web", {**program("c", "exec sleep 60"), **own}, hostPID=True)
        await scene.ready("web")
        assert await messages(scene, "web", "NotApplied", 3) == [
            "Container c: capability CAP_SYS_ADMIN reaches beyond the pod: not given",
            "Container c: hostPID: the processes of a node are its machine's, the pod has its own",
            "Container c: seccompProfile: no seccomp profile is applied",
        ]

    stage(play)


@pytest.fixture
def small_disk() -> Iterator[MakeDisk]:
    """Puts a small file system where a lab keeps its pods' logs."""
    made: list[str] = []

    def make(lab: str, options: str) -> None:
        logs = names.state_dir(lab) / "pods"
        logs.mkdir(parents=True)
        mount("tmpfs", str(logs), "tmpfs", data=options)
        made.append(str(logs))

    yield make
    for logs in made:
        detach(logs)


def test_a_disk_that_is_full_of_logs_costs_logs_and_nothing_else(
    stage: Stage, small_disk: MakeDisk
) -> None:
    async def play(scene: Scene) -> None:
        small_disk(scene.spec.name, "size=256k")
        loud = "while :; do head -c 8000 /dev/zero | tr '\\0' x; echo; sleep 0.02; done"
        await scene.create("loud", program("c", loud))
        await scene.create("quiet", program("c", "exec sleep 600"))
        await scene.ready("quiet")
        (text,) = await messages(scene, "loud", "FailedLog")
        assert text.startswith("Container c: log /var/lib/labctl/")
        assert text.endswith(": no space left on device")
        for pod in ("loud", "quiet"):
            obj = await scene.ready(pod)
            assert obj["status"]["containerStatuses"][0]["restartCount"] == 0

    stage(play)


def test_a_container_whose_log_cannot_be_made_says_so(stage: Stage, small_disk: MakeDisk) -> None:
    async def play(scene: Scene) -> None:
        small_disk(scene.spec.name, "nr_inodes=2")
        await scene.create("mute", program("c", "exec sleep 600"))

        def has_failed(pod: Obj) -> bool:
            statuses = pod["status"].get("containerStatuses") or [{"lastState": {}}]
            return "terminated" in statuses[0]["lastState"]

        obj = await scene.until(PODS, "mute", has_failed)
        last = obj["status"]["containerStatuses"][0]["lastState"]["terminated"]
        assert (last["reason"], last["exitCode"]) == ("StartError", 128)
        assert last["message"].endswith("no space left on device")
        while f"Error: {last['message']}" not in await messages(scene, "mute", "Failed"):
            continue  # each attempt has a log, and so a message, of its own

    stage(play)
