"""Namespaces: pins, entering, sockets that stay where they were made."""

import contextlib
import errno
import os
import socket
import subprocess
from pathlib import Path

import pytest

from labctl.errors import NetError
from labctl.net import namespaces
from tests.net.conftest import MakeNetns


def identity(path: Path | str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def test_a_new_namespace_is_pinned_and_another_one(netns: Path) -> None:
    assert namespaces.is_netns(netns)
    assert netns.name in namespaces.pinned("labctl-test-net-")
    assert identity(netns) != identity("/proc/thread-self/ns/net")


def test_ip_netns_sees_it(netns: Path) -> None:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    assert netns.name in listed.stdout.split()


def test_the_namespace_of_a_process_can_be_pinned_again(netns: Path) -> None:
    before = identity(netns)
    with namespaces.inside(netns), open("/proc/thread-self/ns/net") as held:
        namespaces.delete_netns(netns.name)
        namespaces.pin_netns(netns.name, f"/proc/self/fd/{held.fileno()}")
    assert identity(netns) == before


def test_what_is_no_namespace_is_not_pinned(make_netns: MakeNetns) -> None:
    name = make_netns().name + "-none"
    with pytest.raises(NetError, match="mount --bind"):
        namespaces.pin_netns(name, "/proc/0/ns/net")
    assert not namespaces.netns_path(name).exists()


def test_a_name_that_is_taken_is_refused_and_kept(netns: Path) -> None:
    before = identity(netns)
    with pytest.raises(NetError) as caught:
        namespaces.create_netns(netns.name)
    assert caught.value.errno == errno.EEXIST
    assert identity(netns) == before


def test_a_pin_can_be_dropped_twice(netns: Path) -> None:
    namespaces.delete_netns(netns.name)
    namespaces.delete_netns(netns.name)
    assert not netns.exists()
    assert str(netns) not in Path("/proc/self/mounts").read_text()


def test_a_pin_may_be_a_symbolic_link(netns: Path) -> None:
    link = netns.with_name(netns.name + "-link")
    link.symlink_to("/proc/self/ns/net")
    assert namespaces.is_netns(link)
    namespaces.delete_netns(link.name)
    assert not link.is_symlink()
    assert Path("/proc/self/ns/net").exists()


def test_a_bare_file_is_no_namespace(make_netns: MakeNetns) -> None:
    bare = make_netns().with_name(f"labctl-test-net-{os.getpid()}-bare")
    bare.touch()
    assert not namespaces.is_netns(bare)
    namespaces.delete_netns(bare.name)
    assert not bare.exists()


def test_one_comes_back_from_inside_also_after_an_error(netns: Path) -> None:
    home = identity("/proc/thread-self/ns/net")
    with contextlib.suppress(LookupError), namespaces.inside(netns):
        assert identity("/proc/thread-self/ns/net") == identity(netns)
        raise LookupError
    assert identity("/proc/thread-self/ns/net") == home


def test_a_socket_stays_in_the_namespace_in_which_it_was_made(netns: Path) -> None:
    with (
        namespaces.socket_in(netns, socket.AF_INET, socket.SOCK_DGRAM) as there,
        pytest.raises(OSError, match="unreachable"),
    ):
        there.connect(("127.0.0.1", 9))  # `lo` is down in a new namespace


def test_a_place_that_is_none_is_an_error() -> None:
    with (
        pytest.raises(NetError, match="open /run/netns/nowhere"),
        namespaces.inside("/run/netns/nowhere"),
    ):
        pass
