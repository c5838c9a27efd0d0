"""The control plane as a process: three ways in, a clean end, and nothing lost by a sudden one."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from labctl import names, pki
from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES
from labctl.api.lab import default_lab, lab_yaml
from labctl.api.objects import Obj, name
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.client.http import HttpTransport
from labctl.net.namespaces import create_netns, delete_netns, socket_in

_RUN = "import sys; from labctl.controlplane.process import run; run(sys.argv[1])"


@pytest.fixture
def lab() -> Iterator[str]:
    """A lab's files and the control plane's network namespace, without anything else of a lab."""
    lab = f"ctl{os.getpid()}"
    _make_files(lab)
    netns = names.control_plane_netns(lab)
    create_netns(netns)
    address = f"{names.CONTROL_PLANE_ADDRESS}/16"
    for command in ("link set lo up", f"addr add {address} dev lo"):
        subprocess.run(["ip", "-n", netns, *command.split()], check=True)
    try:
        yield lab
    finally:
        delete_netns(netns)
        shutil.rmtree(names.run_dir(lab))
        shutil.rmtree(names.state_dir(lab))


def _make_files(lab: str) -> None:
    names.run_dir(lab).mkdir(mode=0o700, parents=True)
    names.state_dir(lab).mkdir(mode=0o700, parents=True)
    names.lab_file(lab).write_text(lab_yaml(default_lab(lab)))
    directory = names.pki_dir(lab)
    addresses = ("127.0.0.1", names.CONTROL_PLANE_ADDRESS)
    pki.ensure_authority(directory)
    pki.ensure_certificate(directory, "apiserver", "apiserver", ips=addresses)
    for user in ("admin", "apiserver-kubelet-client"):
        pki.ensure_certificate(directory, user, user, ("system:masters",))


@contextlib.asynccontextmanager
async def _process(lab: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A control plane that answers."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _RUN, lab)
    try:
        await _until_it_answers(lab)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_it_answers(lab: str) -> None:
    transport = HttpTransport.unix(names.api_socket(lab))
    cache = Cache(Client(transport), NAMESPACES)
    task = asyncio.create_task(cache.run())
    try:
        async with asyncio.timeout(20):
            await cache.synced()
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await transport.close()


@contextlib.asynccontextmanager
async def _client(lab: str) -> AsyncIterator[Client]:
    transport = HttpTransport.unix(names.api_socket(lab))
    try:
        yield Client(transport)
    finally:
        await transport.close()


def _configmap(at: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": at, "namespace": "default"},
    }


def test_it_answers_on_its_socket_on_localhost_and_in_the_fabric(lab: str) -> None:
    async def scenario() -> None:
        async with _process(lab), _client(lab) as client:
            published = await client.get(CONFIGMAPS, "labctl", "kube-system")
            assert "lab.yaml" in published["data"]
            directory = names.pki_dir(lab)
            port = int((names.state_dir(lab) / "api-port").read_text())
            tls = HttpTransport.tls(
                f"https://127.0.0.1:{port}",
                directory / "ca.crt",
                directory / "admin.crt",
                directory / "admin.key",
            )
            found = await Client(tls).list(NAMESPACES)
            assert "kube-node-lease" in {name(one) for one in found.items}
            await tls.close()
            _connect_in_fabric(lab)
            kubeconfig = names.kubeconfig_file(lab)
            assert f"https://127.0.0.1:{port}" in kubeconfig.read_text()
            for path in (kubeconfig, names.api_socket(lab)):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600

    asyncio.run(scenario())


def _connect_in_fabric(lab: str) -> None:
    place = names.netns_path(names.control_plane_netns(lab))
    with socket_in(place, socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.connect((names.CONTROL_PLANE_ADDRESS, names.API_PORT))


def test_it_ends_cleanly_when_told_and_so_do_watches(lab: str) -> None:
    async def scenario() -> None:
        async with _process(lab) as process, _client(lab) as client:
            events = client.watch(NAMESPACES)
            await anext(events)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0
            async with asyncio.timeout(10):
                rest = [event.type async for event in events]
            assert "DELETED" not in rest

    asyncio.run(scenario())


def test_what_was_acknowledged_survives_a_sudden_end(lab: str) -> None:
    async def scenario() -> None:
        async with _process(lab) as process, _client(lab) as client:
            port = (names.state_dir(lab) / "api-port").read_text()
            for number in range(20):
                await client.create(CONFIGMAPS, _configmap(f"cm{number}"))
            process.kill()
            await process.wait()
        async with _process(lab), _client(lab) as client:
            found = await client.list(CONFIGMAPS, "default")
            assert {name(one) for one in found.items} >= {f"cm{n}" for n in range(20)}
            assert (names.state_dir(lab) / "api-port").read_text() == port

    asyncio.run(scenario())
