"""What is decided before anything runs: program or stand-in, files in /etc, visible mounts."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from labctl.cri import ContainerConfig, SandboxConfig
from labctl.runtime.etc import hosts, pod_files, resolv_conf
from labctl.runtime.mounts import HostMount, visible_mounts
from labctl.runtime.programs import environment, why_stand_in

IMAGE = ContainerConfig("c", "nginx:1.14.2")


@pytest.mark.parametrize(
    ("command", "args", "program"),
    [
        ((), (), False),
        (("sleep", "3600"), (), True),
        (("/bin/sleep",), ("3600",), True),
        ((), ("sleep", "3600"), True),
        ((), ("--port=80",), False),
        (("no-such-program",), ("sleep",), False),
        (("/etc",), (), False),
        (("/etc/passwd",), (), True),  # it is there; that it cannot be executed is told at start
        (("passwd/",), (), False),
        (("",), (), False),
        (("a\0b",), (), False),
    ],
)
def test_a_program_runs_if_it_is_on_the_host(
    command: tuple[str, ...], args: tuple[str, ...], program: bool
) -> None:
    assert (why_stand_in(replace(IMAGE, command=command, args=args)) == "") == program


def test_the_pods_own_path_is_looked_at(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    config = replace(IMAGE, command=("tool",))
    assert why_stand_in(config)
    assert not why_stand_in(replace(config, env=(("PATH", f"/bin:{tmp_path}"),)))
    assert not why_stand_in(replace(config, command=("./tool",), working_dir=str(tmp_path)))


def test_why_a_stand_in_answers_is_a_sentence_with_the_image() -> None:
    assert why_stand_in(IMAGE) == 'image "nginx:1.14.2" is not here: a stand-in answers'


def test_what_the_pod_says_wins_over_defaults() -> None:
    config = replace(IMAGE, env=(("HOME", "/srv"), ("A", "1")))
    assert environment(config, "web-0") == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME": "web-0",
        "HOME": "/srv",
        "A": "1",
    }


POD = SandboxConfig("web-0", "shop", "u1", ip="10.244.1.2")


def test_hosts_names_the_pod() -> None:
    assert hosts(POD, "web-0").splitlines()[-1] == "10.244.1.2\tweb-0"
    assert "web-0" not in hosts(replace(POD, ip=""), "web-0")
    assert [name for name, _ in pod_files(POD, "web-0")] == ["hosts", "hostname", "resolv.conf"]


def test_hosts_has_the_full_name_and_the_aliases() -> None:
    domain = "db.shop.svc.cluster.local"
    pod = replace(POD, domain=domain, aliases=(("10.1.2.3", ("foo", "bar")),))
    assert hosts(pod, "web-0").splitlines()[-4:] == [
        f"10.244.1.2\tweb-0.{domain}\tweb-0",
        "",
        "# Entries added by HostAliases.",
        "10.1.2.3\tfoo\tbar",
    ]
    # setHostnameAsFQDN
    assert f"\tweb-0.{domain}\tweb-0\n" in hosts(pod, f"web-0.{domain}")


def test_resolv_conf_says_what_the_pod_is_given() -> None:
    given = replace(
        POD, name_servers=("10.96.0.10",), searches=("a.b", "b"), resolver_options=("ndots:5",)
    )
    assert resolv_conf(given) == "search a.b b\nnameserver 10.96.0.10\noptions ndots:5\n"
    assert resolv_conf(POD) == ""


MOUNTINFO = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:5 / /dev rw - devtmpfs devtmpfs rw
25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw
26 22 0:24 / /run rw shared:5 - tmpfs tmpfs rw
27 22 0:25 / /tmp rw shared:6 master:1 - tmpfs tmpfs rw
28 22 254:1 / /home rw - ext4 /dev/vdb rw
29 28 254:2 / /home/two\\040words rw - xfs /dev/vdc rw
30 22 0:30 / /snap/core/1 ro - squashfs /dev/loop0 ro
31 22 0:31 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
32 26 0:4 net:[4026532459] /run/netns/x rw - nsfs nsfs rw
33 22 254:3 / /var/lib/labctl rw - ext4 /dev/vdd rw
34 22 254:4 / /runner rw - ext4 /dev/vde rw
"""


def test_of_the_hosts_mounts_those_with_files_of_its_own_are_seen() -> None:
    assert visible_mounts(MOUNTINFO) == (
        HostMount("/home", "ext4"),
        HostMount("/home/two words", "xfs"),
        HostMount("/runner", "ext4"),
        HostMount("/tmp", "tmpfs"),
    )
