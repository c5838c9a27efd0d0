"""What a container does to the host: nothing. Each attempt is made for real.

Where an attempt that succeeded would do harm, its harmless twin is tried, which needs the same
privilege: the clock is set to what it shows, a setting is written as it was read.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl import names
from labctl.cri import Container, RuntimeClient
from tests.runtime.rig import Rig, bystander, exited, lo_up, pod, run_container


def _script(rig: Rig, name: str, script: str) -> tuple[Container, list[str]]:
    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod(name))
        config = rig.config(name, "sh", "-c", script)
        ended = await exited(client, await run_container(client, sandbox, config))
        await client.remove_pod_sandbox(sandbox.id)
        return ended

    container = rig.run(scenario)
    return container, rig.log(container)


def _tree(top: str) -> dict[str, tuple[int, int, float]]:
    """Every file below `top` with what would change if it was touched."""
    return {path: _mark(path) for path in _walk(top)}


def _walk(top: str) -> Iterator[str]:
    for directory, _, files in os.walk(top):
        yield directory
        yield from (f"{directory}/{name}" for name in files)


def _mark(path: str) -> tuple[int, int, float]:
    found = os.lstat(path)
    return found.st_ino, found.st_size, found.st_mtime


def test_rm_rf_etc_leaves_the_hosts_etc_as_it_was(rig: Rig) -> None:
    before = _tree("/etc")
    container, said = _script(rig, "rm-rf", "rm -rf /etc /opt; ls -d /etc /opt")
    assert container.exit_code == 2  # ls: neither is there any more
    assert said == [
        f"ls: cannot access '{path}': No such file or directory" for path in ("/etc", "/opt")
    ]
    assert _tree("/etc") == before
    assert os.path.isdir("/opt")


def test_what_a_container_writes_nobody_else_sees(rig: Rig) -> None:
    mark = f"labctl-mark-{os.getpid()}"
    targets = " ".join(f"{top}/{mark}" for top in ("", "/usr/bin", "/etc", "/root", "/tmp", "/run"))
    container, _ = _script(rig, "writes", f"touch {targets} && rm /bin/ls && echo x >> /etc/passwd")
    assert container.exit_code == 0
    assert not any(os.path.exists(target) for target in targets.split())
    assert os.path.exists("/bin/ls")


def test_kill_minus_one_reaches_only_its_own(rig: Rig) -> None:
    before = rig.processes()
    with bystander("sleep", "1000") as stranger:
        container, said = _script(rig, "kill", "sleep 1000 & kill -9 -1; echo alone; kill -9 1")
        assert said == ["alone"]
        assert container.exit_code == 0
        assert stranger.poll() is None
    assert rig.processes() == before


_PYTHON = (
    "/usr/bin/python3 -c 'import ctypes, os, time, socket; c = ctypes.CDLL(None, use_errno=True); "
)


@pytest.mark.parametrize(
    ("name", "attempt"),
    [
        ("mount", "mount -t tmpfs none /mnt"),
        ("bind", "mount --bind /usr /mnt"),
        ("remount", "mount -o remount,rw /proc/sys"),
        ("umount", "umount /proc/sys"),
        ("unmask", "umount /var/lib/labctl"),
        ("clock", "date -s now"),
        ("reboot", _PYTHON + "exit(c.reboot(0) != 0)'"),  # CAD_OFF
        ("hostname", "hostname other"),
        ("mknod", "mknod /tmp/disk b 254 0"),
        ("mknod-dev", "mknod /dev/disk b 254 0"),
        ("module", _PYTHON + 'exit(c.delete_module(b"none", 0) != 0)\''),
        ("swap", "swapoff -a -v; swapon /etc/passwd"),
        ("chroot-out", "nsenter -t 1 -m true && ls /proc/1/root/proc/1/environ | grep x"),
        ("link", "ip link add x type bridge"),
        ("nft", "nft list ruleset && nft add table ip x"),
        ("sysctl", "cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern"),
        ("sysrq", "echo h > /proc/sysrq-trigger"),
        ("sysfs", "cat /sys/kernel/mm/ksm/run > /sys/kernel/mm/ksm/run"),
        ("nice", "nice -n -5 true 2>&1 | grep -v 'cannot set'"),
        ("writable", 'test -n "$(find /proc/sys /sys -maxdepth 0 -writable)"'),
    ],
)
def test_what_needs_a_privilege_is_refused(rig: Rig, name: str, attempt: str) -> None:
    container, said = _script(rig, name, attempt)
    assert container.exit_code != 0, said


def test_its_capabilities_are_the_default_ones_and_cannot_grow(rig: Rig) -> None:
    _, said = _script(rig, "caps", "grep -E 'Cap|NoNewPrivs' /proc/self/status")
    granted = "00000000a00425fb"  # Docker's default less MKNOD (bit 27)
    assert dict(line.split(":\t") for line in said) == {
        "CapInh": "0000000000000000",
        "CapPrm": granted,
        "CapEff": granted,
        "CapBnd": granted,
        "CapAmb": "0000000000000000",
        "NoNewPrivs": "0",  # as Kubernetes, unless allowPrivilegeEscalation says no
    }


def test_the_labs_secrets_and_sockets_are_out_of_sight(rig: Rig) -> None:
    secret = names.state_dir(rig.lab) / "secret"
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("key")
    script = "cd /var/lib/labctl && ls -A . /run/labctl /run/netns; cat /proc/keys /proc/kcore"
    _, said = _script(rig, "secrets", f"({script}) 2>/dev/null; ls -d /run")
    assert said == [".:", "/run"]


def test_it_holds_no_descriptor_of_the_runtime(rig: Rig) -> None:
    _, said = _script(rig, "descriptors", "ls /proc/self/fd")
    assert said == ["0", "1", "2", "3"]  # 3 is the directory that ls reads


def test_no_signal_is_blocked_or_ignored(rig: Rig) -> None:
    _, said = _script(rig, "signals", "grep -E 'Sig(Blk|Ign)' /proc/self/status")
    masks = {line.partition(":")[0]: int(line.partition(":")[2], 16) for line in said}
    # 32 and 33 are the C library's own (nptl(7)): its posix_spawn leaves them ignored, and it lets
    # nobody set them.
    of_the_c_library = 1 << 31 | 1 << 32
    assert masks == {"SigBlk": 0, "SigIgn": masks["SigIgn"] & of_the_c_library}


def test_ping_works_without_more_than_that(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod("ping"))
        lo_up(sandbox)
        config = rig.config("ping", "ping", "-c", "1", "127.0.0.1")
        return await exited(client, await run_container(client, sandbox, config))

    assert rig.run(scenario).exit_code == 0


def test_other_file_systems_of_the_host_are_seen_and_not_written(
    rig: Rig, file_system: Path
) -> None:
    (file_system / "there").write_text("from the host\n")
    script = (
        f"cat '{file_system}'/there; echo mine > '{file_system}'/there; cat '{file_system}'/there"
    )
    _, said = _script(rig, "submount", script)
    assert said == ["from the host", "mine"]
    assert (file_system / "there").read_text() == "from the host\n"


@pytest.fixture
def file_system(tmp_path: Path) -> Iterator[Path]:
    """One of its own, mounted on a path that a mount's options have to quote."""
    place = tmp_path / "a,b:c d"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "labctl-test", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_the_host_has_no_mount_more(rig: Rig) -> None:
    before = _mounts()

    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("mounts"))
        await run_container(client, sandbox, rig.config("mounts", "sleep", "1000"))

    rig.run(scenario)
    assert _mounts() == before


def _mounts() -> list[str]:
    """Those of the host, but for pins of namespaces: other labs come and go."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if " - nsfs " not in line]
