"""What a user sees of a lab of three nodes: up, a first ping, commands, a verify, down."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.findings import Findings
from benchmarks.lab import Lab, running
from benchmarks.peers.mininet import mininet
from benchmarks.peers.missing import Missing
from benchmarks.pods import DEADLINE, deployment, rise
from benchmarks.rows import Row, at_most
from benchmarks.sizes import Sizes
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import PODS
from labctl.client.client import Client
from labctl.client.wait import wait_for
from labctl.lab.ping import ping
from labctl.lab.places import Place, find_place

_NODES = 3
_PINGING_HOSTS = 20  # all of all: 380 pairs

UP = Row("`labctl up` of 3 nodes, to all Ready", "s", at_most(0.8))
FIRST_PING = Row("POST of a Deployment of 1 replica to its first answered ping", "ms", at_most(80))
VERIFY = Row(
    "`labctl verify` of {mesh} pods, {pairs:,} pairs, ICMP (durationSeconds)", "s", at_most(3)
)
HELP = Row("`labctl --help`, whole process", "ms", at_most(120))
GET = Row("`labctl get pods` with {mesh} pods, whole process", "ms", at_most(250))
VERIFY_PROCESS = Row("the same verify, whole process", "s")
RISE = Row("{mesh} pods over 3 nodes, POST to all Ready", "s")
DOWN = Row("`labctl down` of that", "s")
PINGALL = Row("verify, per pair / Mininet's pingall, per pair", "×")


def small_lab(sizes: Sizes, found: Findings) -> None:
    with running(_NODES) as lab:
        found.add(UP, lab.up_seconds)
        asyncio.run(_first_pings(lab, sizes.pings, found))
        found.add(RISE, rise(lab.client(), "many", sizes.mesh)[-1][0])
        _commands(lab, found)
        verified = _verify(lab, found)
        found.add(DOWN, lab.down())
    try:
        run = mininet(_PINGING_HOSTS, pingall=True)
    except Missing as error:
        found.missing[PINGALL.title] = str(error)
        return
    a_pair = run.pingall / (_PINGING_HOSTS * (_PINGING_HOSTS - 1))
    found.add(PINGALL, verified / sizes.pairs / a_pair)


def _commands(lab: Lab, found: Findings) -> None:
    began = time.perf_counter()
    program = Path(sys.executable).with_name("labctl")
    subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)
    found.add(HELP, 1000 * (time.perf_counter() - began))
    found.add(GET, 1000 * lab.command("get", "pods"))


def _verify(lab: Lab, found: Findings) -> float:
    began = time.perf_counter()
    text = lab.output("verify", "--claim", "pod-to-pod", "--protocol", "icmp", "-o", "json")
    found.add(VERIFY_PROCESS, time.perf_counter() - began)
    seconds = float(json.loads(text)["durationSeconds"])
    found.add(VERIFY, seconds)
    return seconds


async def _first_pings(lab: Lab, count: int, found: Findings) -> None:
    client = lab.client()
    node = await find_place(client, lab.name, "node/node1")
    for _ in range(count):
        found.add(FIRST_PING, 1000 * await _to_first_ping(client, lab, node))


async def _to_first_ping(client: Client, lab: Lab, node: Place) -> float:
    began = time.perf_counter()
    await client.create(DEPLOYMENTS, deployment("first", 1))
    place = await find_place(client, lab.name, await _first_pod(client))
    if ping(node, place, count=1).lost:
        raise ConnectionError("a pod that has its address does not answer")
    took = time.perf_counter() - began
    await client.delete(DEPLOYMENTS, "first", "default", propagation="Foreground")
    await wait_for(client, DEPLOYMENTS, "first", "default", lambda obj: obj is None, DEADLINE)
    return took


async def _first_pod(client: Client) -> str:
    async with asyncio.timeout(DEADLINE):
        async for event in client.watch(PODS, "default", labels="app=first"):
            if event.type != "DELETED" and (event.object.get("status") or {}).get("podIP"):
                return str(event.object["metadata"]["name"])
    raise TimeoutError
