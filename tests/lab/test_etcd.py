"""Labs whose state is in an etcd: their own, which is theirs to keep alive, or one that others use."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labctl import names
from labctl.lab import host, inventory, processes
from labctl.store.etcd.cluster import Cluster
from tests.command import Labctl
from tests.lab.test_up_down import left
from tests.store.etcd_process import EtcdProcess, secured_etcd
from tests.waiting import until

MakeLab = Callable[[], Labctl]


@pytest.fixture
def make_lab() -> Iterator[MakeLab]:
    """Command lines for labs that are not there, and at the end leave no trace."""
    made: list[tuple[Labctl, inventory.Inventory]] = []

    def make() -> Labctl:
        one = Labctl(f"et{os.getpid()}-{len(made)}")
        made.append((one, inventory.take(one.lab)))
        return one

    yield make
    for one, before in made:
        one("down")
        until_as(before, one.lab)


def until_as(before: inventory.Inventory, lab: str) -> None:
    """Returns when nothing of the lab is left; the error names what is."""
    found: list[str] = []

    def nothing_is_left() -> bool:
        found[:] = left(before, lab)
        return not found

    try:
        until(nothing_is_left)
    except AssertionError:
        raise AssertionError("\n".join(found)) from None


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[EtcdProcess]:
    """An etcd with TLS that runs without labs."""
    with secured_etcd(tmp_path) as etcd:
        yield etcd


def pid_of(labctl: Labctl, name: str) -> int | None:
    found = {one.name: one for one in processes.read_record(labctl.lab).processes}
    return found[name].pid if name in found and processes.is_alive(found[name]) else None


def kill(labctl: Labctl, name: str) -> None:
    pid = pid_of(labctl, name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid_of(labctl, name) not in (None, pid), seconds=5)


def pods(labctl: Labctl) -> set[tuple[str, str]]:
    items = labctl("get", "pods", "-o", "json").json["items"]
    return {(one["metadata"]["uid"], one["status"].get("podIP", "")) for one in items}


def test_a_lab_on_its_own_etcd_survives_what_is_killed(make_lab: MakeLab) -> None:
    labctl = make_lab()
    labctl.ok("up", "--store", "etcd", "--nodes", "2")
    labctl.ok("create", "deployment", "web", "--image", "nginx", "--replicas", "4")
    labctl.ok("rollout", "status", "deployment/web")
    labctl.ok("verify", "--protocol", "icmp")
    etcd = pid_of(labctl, "etcd")
    assert Path(f"/proc/{etcd}/cmdline").read_text().strip("\0") == f"labctl: {labctl.lab} etcd"
    assert labctl.ok("status", "-o", "jsonpath={.store}") == "etcd"
    before = pods(labctl)

    kill(labctl, "etcd")
    labctl.ok("scale", "deployment/web", "--replicas", "5")
    labctl.ok("rollout", "status", "deployment/web")
    assert pods(labctl) > before
    kill(labctl, "control-plane")
    labctl.ok("up")
    assert pods(labctl) > before

    before = pods(labctl)
    for one in processes.read_record(labctl.lab).processes:
        os.kill(one.pid, signal.SIGKILL)
    labctl.ok("up")
    assert pods(labctl) == before
    labctl.ok("verify", "--protocol", "icmp")
    refused = labctl("up", "--store", "sqlite")
    assert refused.code == 2
    assert "error: spec.store: etcd cannot become sqlite in a lab that exists" in refused.err
    assert f"hint: take it down first: labctl down --lab {labctl.lab}" in refused.err
    labctl.ok("up", "--store", "etcd", "--nodes", "1")
    assert pid_of(labctl, "etcd") is not None
    labctl.ok("down")


def test_a_lab_waits_for_an_etcd_that_stands_still(make_lab: MakeLab) -> None:
    labctl = make_lab()
    labctl.ok("up", "--store", "etcd", "--nodes", "1")
    etcd = pid_of(labctl, "etcd")
    assert etcd is not None
    os.kill(etcd, signal.SIGSTOP)
    refused = labctl("create", "deployment", "web", "--image", "nginx")
    assert refused.code == 1
    assert "may have been made, or not" in refused.err
    os.kill(etcd, signal.SIGCONT)
    labctl.ok("up")
    labctl.ok("create", "deployment", "later", "--image", "nginx")
    labctl.ok("rollout", "status", "deployment/later")
    assert pid_of(labctl, "etcd") == etcd


def test_two_labs_share_an_etcd_and_leave_nothing_in_it(
    make_lab: MakeLab, shared: EtcdProcess
) -> None:
    first, second = make_lab(), make_lab()
    for labctl in (first, second):
        labctl.ok("up", "-", stdin=lab_file(shared.cluster))
        assert pid_of(labctl, "etcd") is None
    first.ok("create", "deployment", "web", "--image", "nginx")
    first.ok("rollout", "status", "deployment/web")
    assert second.ok("get", "pods") == ""
    kill(first, "control-plane")
    first.ok("up", "--store", f"etcd={shared.cluster.endpoints[0]}")
    assert len(pods(first)) == 1
    first.ok("down")
    assert {key.split("/")[2] for key in keys(shared.cluster)} == {second.lab}
    second.ok("up")
    second.ok("down")
    assert keys(shared.cluster) == []


def test_what_cannot_be_removed_is_named(make_lab: MakeLab, shared: EtcdProcess) -> None:
    labctl = make_lab()
    labctl.ok("up", "-", stdin=lab_file(shared.cluster))
    shared.kill()
    answer = labctl("down")
    root = names.etcd_root(labctl.lab)
    assert answer.code == 1
    assert (
        f"error: lab {labctl.lab} is gone, but the keys under {root} may still be in" in answer.err
    )
    assert f"hint: etcdctl del --prefix {root}" in answer.err
    refused = labctl("up", "-", stdin=lab_file(shared.cluster))
    assert refused.code == 1
    assert f"error: no etcd answers at {shared.cluster.endpoints[0]}" in refused.err

    # Another lab of this name finds the keys, and leaves them alone.
    shared.start()
    refused = labctl("up", "-", stdin=lab_file(shared.cluster))
    assert refused.code == 1
    assert "belongs to another lab" in refused.err
    assert keys(shared.cluster)


def test_what_is_missing_or_wrong_is_said_before_anything_is_made(
    make_lab: MakeLab, tmp_path: Path
) -> None:
    labctl = make_lab()
    for program in host.PROGRAMS:
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    answer = labctl("up", "--store", "etcd", env={"PATH": str(tmp_path)})
    assert answer.code == 4
    assert "error: etcd is not installed (not on PATH)" in answer.err
    assert "hint: sudo apt-get install -y etcd-server" in answer.err
    for store, said in (
        ("mongo", "error: --store: 'mongo' is not one of sqlite, etcd"),
        ("etcd=nowhere", "error: --store: 'nowhere' is not a URL such as"),
    ):
        answer = labctl("up", "--store", store)
        assert (answer.code, said in answer.err) == (2, True), answer.err
    missing = Cluster(("https://127.0.0.1:1",), "/nowhere/ca.crt")
    answer = labctl("up", "-", stdin=lab_file(missing))
    assert answer.code == 2
    assert "spec.store.caFile: /nowhere/ca.crt: No such file" in answer.err
    assert not names.state_dir(labctl.lab).exists()


def lab_file(cluster: Cluster) -> str:
    store = {
        "engine": "etcd",
        "endpoints": list(cluster.endpoints),
        "caFile": cluster.ca_file,
        "certFile": cluster.cert_file,
        "keyFile": cluster.key_file,
    }
    store = {field: value for field, value in store.items() if value}
    frame = {"apiVersion": "labctl.io/v1alpha1", "kind": "Lab"}
    return json.dumps({**frame, "spec": {"nodes": 1, "store": store}})


def keys(cluster: Cluster) -> list[str]:
    """Everything that is in an etcd."""
    from aetcd import rpc

    from labctl.store.etcd.connection import Connection

    async def ask() -> list[str]:
        connection = Connection(cluster, 5)
        everything = rpc.RangeRequest(key=b"\0", range_end=b"\0", keys_only=True)
        answer = await connection.ask("Range", everything)
        await connection.close()
        return [found.key.decode() for found in answer.kvs]

    return asyncio.run(ask())
