"""As whom a container runs and what it may do, tried by what it can do and cannot."""

import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from labctl.cri import Container, ContainerConfig, CriError, RuntimeClient
from labctl.cri.messages import Mount, Security
from labctl.runtime.capabilities import DEFAULT_MASK, GRANTABLE, NAMES, Granted, grant, mask_of
from tests.runtime.rig import Rig, exited, pod, run_container

STATUS = "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status | cut -f2"


def _run(rig: Rig, name: str, script: str, pod_wishes: Any = None, **wishes: Any) -> list[str]:
    """What a shell says with a Security of these wishes."""

    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod(f"security-{name}", **(pod_wishes or {})))
        config = replace(
            rig.config(f"security-{name}", "sh", "-c", f"exec 2>&1; {script}"), **_config(wishes)
        )
        ended = await exited(client, await run_container(client, sandbox, config))
        await client.remove_pod_sandbox(sandbox.id)
        return ended

    return rig.log(rig.run(scenario))


def _config(wishes: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        name: wishes.pop(name) for name in ("mounts", "working_dir") if name in wishes
    }
    return {**fields, "security": Security(**wishes)}


def test_user_group_and_supplementary_groups_are_the_ones_asked_for(rig: Rig) -> None:
    said = _run(rig, "user", "id -u; id -g; id -G", user=1234, group=2345, groups=(3456, 4567))
    assert said == ["1234", "2345", "2345 3456 4567"]
    assert _run(rig, "user-only", "id -u; id -g; id -G", user=1234) == ["1234", "0", "0"]


def test_a_user_has_no_capabilities_and_can_write_its_own_streams(rig: Rig) -> None:
    said = _run(rig, "streams", f"{STATUS}; echo again > /dev/stdout; touch /mine || true", user=77)
    assert said == [
        "0000000000000000",
        f"{DEFAULT_MASK:016x}",
        "0",
        "again",
        "touch: cannot touch '/mine': Permission denied",
    ]


def test_what_is_executed_in_a_container_runs_as_its_user(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> bytes:
        sandbox = await client.run_pod_sandbox(pod("exec-user"))
        security = Security(user=1234, groups=(9,), escalation=False)
        config = replace(rig.config("c", "sleep", "1000"), security=security)
        container = await run_container(client, sandbox, config)
        command = ("sh", "-c", f"id -u; id -G; {STATUS}")
        return (await client.exec_sync(container.id, command, 5)).stdout

    said = rig.run(scenario).decode().split("\n")
    assert said == ["1234", "0 9", "0000000000000000", f"{DEFAULT_MASK:016x}", "1", ""]


@pytest.mark.parametrize(
    ("security", "granted"),
    [
        (Security(), Granted(DEFAULT_MASK)),
        (Security(drop=("ALL",)), Granted(0)),
        (Security(add=("NET_ADMIN",), drop=("ALL",)), Granted(1 << 12)),
        (Security(add=("CAP_NET_ADMIN",)), Granted(DEFAULT_MASK | 1 << 12)),
        (Security(drop=("net_raw",)), Granted(DEFAULT_MASK & ~(1 << 13))),
        (Security(add=("SYS_ADMIN", "MKNOD")), Granted(DEFAULT_MASK, ("MKNOD", "SYS_ADMIN"))),
        (Security(add=("ALL",)), Granted(mask_of(GRANTABLE))),
        (Security(add=("ALL",), drop=("CHOWN",)), Granted(mask_of(GRANTABLE - {"CHOWN"}))),
        (Security(privileged=True), Granted(mask_of(GRANTABLE))),
    ],
)
def test_capabilities_are_added_and_dropped_as_in_kubernetes(
    security: Security, granted: Granted
) -> None:
    assert grant(security) == granted


def test_beside_pause_nobody_may_trace(rig: Rig) -> None:
    wish = Security(add=("SYS_PTRACE",))
    assert grant(wish, beside_pause=True) == Granted(DEFAULT_MASK, ("SYS_PTRACE",))
    said = _run(rig, "trace", "ls /proc/1/root", {"shared_processes": True}, privileged=True)
    assert said == ["ls: cannot access '/proc/1/root': Permission denied"]


def test_the_kernels_names_are_those_of_its_header() -> None:
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        assert int(file.read()) >= len(NAMES) - 1
    assert (NAMES[12], NAMES[27], NAMES[40]) == ("NET_ADMIN", "MKNOD", "CHECKPOINT_RESTORE")


def test_an_unknown_capability_is_an_error_that_names_it(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("no-capability"))
        config = replace(rig.config("c", "true"), security=Security(add=("FLY",)))
        await client.create_container(sandbox.id, config)

    with pytest.raises(CriError, match='unknown capability "CAP_FLY"') as error:
        rig.run(scenario)
    assert error.value.reason == "CreateContainerError"


def test_a_capability_that_reaches_beyond_the_pod_is_told_and_not_given(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod("beyond"))
        config = replace(rig.config("c", "true"), security=Security(add=("SYS_ADMIN",)))
        return await client.create_container(sandbox.id, config)

    assert rig.run(scenario).notes == (
        "capability CAP_SYS_ADMIN reaches beyond the pod: not given",
    )


def test_net_admin_changes_the_pods_own_network(rig: Rig) -> None:
    change = "ip addr add 10.1.1.1/32 dev lo; ip -o -4 addr show dev lo | grep -c 10.1.1.1"
    assert _run(rig, "net-admin", change, add=("NET_ADMIN",)) == ["1"]
    refused = _run(rig, "no-net-admin", change)
    assert refused == ["RTNETLINK answers: Operation not permitted", "0"]


HERE = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def test_privileged_may_set_what_is_the_pods_own_and_nothing_of_the_machine(rig: Rig) -> None:
    script = (
        "echo 1 > /proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward;"
        "echo x > /proc/sys/kernel/core_pattern; mknod /disk b 8 0; mount -t tmpfs x /mnt"
    )
    said = _run(rig, "privileged", script, privileged=True)
    assert said[0] == "1"
    assert "core_pattern: Read-only file system" in said[1]
    assert [line.rpartition(": ")[2] for line in said[2:4]] == [
        "Operation not permitted",
        "permission denied.",
    ]
    assert "Read-only file system" in _run(rig, "plain", script)[0]


def test_the_pods_settings_are_those_of_its_own_namespaces(rig: Rig) -> None:
    here = HERE.read_text()
    settings = (("net.ipv4.ip_unprivileged_port_start", "42"), ("kernel.shm_rmid_forced", "1"))
    script = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced"
    assert _run(rig, "settings", script, {"settings": settings}) == ["42", "1"]
    assert HERE.read_text() == here


@pytest.mark.parametrize("name", ["kernel.panic", "net/../kernel/panic", "vm.swappiness"])
def test_a_setting_of_the_machine_is_refused(rig: Rig, name: str) -> None:
    async def scenario(client: RuntimeClient) -> None:
        await client.run_pod_sandbox(pod("panic", settings=((name, "0"),)))

    with pytest.raises(CriError, match="forbidden sysctl"):
        rig.run(scenario)


def test_escalation_is_forbidden_where_the_pod_forbids_it(rig: Rig) -> None:
    assert _run(rig, "nnp", STATUS, escalation=False)[2] == "1"
    assert _run(rig, "no-nnp", STATUS)[2] == "0"


def test_a_read_only_root_leaves_volumes_writable(rig: Rig) -> None:
    volume = rig.logs / "volume"
    volume.mkdir()
    script = (
        "for d in / /etc /usr/bin /run /tmp /data /data/in; do"
        " touch $d/x 2>/dev/null && echo $d; done; pwd; echo > /dev/null"
    )
    said = _run(
        rig,
        "read-only",
        script,
        read_only_root=True,
        working_dir="/made/for/it",
        mounts=(Mount(str(volume), "/data"), Mount(str(volume), "/data/in", read_only=True)),
    )
    assert said == ["/data", "/made/for/it"]
    assert sorted(os.listdir(volume)) == ["in", "x"]


@pytest.mark.parametrize(
    ("user", "words"),
    [
        (None, "container has runAsNonRoot and image will run as root"),
        (0, "container's runAsUser breaks non-root policy"),
    ],
)
def test_root_is_refused_where_it_must_not_run(rig: Rig, user: int | None, words: str) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod(f"root-{user}"))
        security = Security(user=user, non_root=True)
        stand_in = replace(ContainerConfig("web"), security=security)  # nobody runs: nobody is root
        assert (await client.create_container(sandbox.id, stand_in)).stand_in
        await client.create_container(
            sandbox.id, replace(rig.config("c", "true"), security=security)
        )

    with pytest.raises(CriError) as error:
        rig.run(scenario)
    assert error.value.reason == "CreateContainerConfigError"
    who = f'(pod: "root-{user}_default(uid-root-{user})", container: c)'
    assert error.value.message == f"{words} {who}"


def test_the_kernel_ends_it_as_willingly_as_asked(rig: Rig) -> None:
    assert _run(rig, "oom-score", "cat /proc/self/oom_score_adj", oom_score=923) == ["923"]
