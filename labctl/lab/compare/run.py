"""From what the user named to two observations: labs that are up, or files brought up for it."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from labctl.api.lab import LAB_KIND
from labctl.api.objects import Obj
from labctl.errors import BadInput
from labctl.lab import connect, manifests, state
from labctl.lab.compare.differences import comparison
from labctl.lab.compare.observation import Observation, observe
from labctl.lab.down import down
from labctl.lab.lab_files import read_lab
from labctl.lab.manifests import Manifest
from labctl.lab.progress import Progress
from labctl.lab.up import up
from labctl.lab.wish import Wish
from labctl.verify import Topology, snapshot

_PODS_A_NODE = 2
_START_SECONDS = 60.0
_Placement = Mapping[str, int]  # how many pods there are on each node


def compare(
    words: Sequence[str],
    progress: Progress,
    claims: Sequence[str] = (),
    protocols: Sequence[str] = (),
) -> Obj:
    """The NetworkComparison of two sides, each the name of a lab or a lab file.

    A file is brought up under a name of its own and taken away again. If it holds no manifests,
    it gets the pods of the other side, node by node (two a node, if that is a file too). BadInput
    when there are not two; NoSuchLab for a lab that is not there.
    """
    if len(words) != 2:
        raise BadInput("--compare: two networks are wanted", "labctl verify --compare LAB|FILE")
    for word in words:
        if not _is_file(word):
            connect.require(word)
    found: dict[int, Observation] = {}
    placement: _Placement = {}
    # Labs first: where a file says nothing of pods, it follows them.
    for index in sorted(range(2), key=lambda one: _is_file(words[one])):
        with _lab(words[index], index, placement, progress) as lab:
            progress.step(f"looking at {lab}")
            topology = asyncio.run(_snapshot(lab))
            found[index] = observe(state.require(lab), topology, claims, protocols)
        placement = Counter(pod.node for pod in topology.pods)
    return comparison(found[0], found[1])


def _is_file(word: str) -> bool:
    return "/" in word or "." in word or Path(word).is_file()


@contextmanager
def _lab(word: str, index: int, placement: _Placement, progress: Progress) -> Iterator[str]:
    if not _is_file(word):
        yield word
        return
    lab = f"cmp{'ab'[index]}-{os.getpid()}"
    try:
        up(_wish(word, lab, placement), progress)
        yield lab
    finally:
        down(lab, progress)


def _wish(file: str, lab: str, placement: _Placement) -> Wish:
    documents = manifests.read([file])
    labs = [one for one in documents if one.kind == LAB_KIND and not one.is_manifest]
    if len(labs) != 1:
        raise BadInput(f"{file}: {len(labs)} Labs in it, and one is wanted")
    document, spec = read_lab(labs[0], lab)
    found = tuple(manifests.prepare(documents))
    return Wish(
        lab,
        document,
        manifests=found or tuple(_pods(placement or dict.fromkeys(spec.node_names, _PODS_A_NODE))),
    )


def _pods(placement: _Placement) -> Iterator[Manifest]:
    """Stand-ins, bound to their nodes."""
    for node, count in sorted(placement.items()):
        for number in range(1, count + 1):
            container = {"name": "probe", "image": "probe", "ports": [{"containerPort": 80}]}
            pod: Obj = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{node}-{number}"},
                "spec": {"nodeName": node, "containers": [container]},
            }
            yield manifests.manifest(pod, "default")


async def _snapshot(lab: str) -> Topology:
    client = connect.client(lab)
    try:
        return await snapshot(client, lab, _START_SECONDS)
    finally:
        await client.transport.close()
