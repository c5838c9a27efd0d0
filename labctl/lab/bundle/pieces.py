"""What a bundle consists of, piece by piece; each can be missing without the others."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from labctl import names
from labctl.api.objects import Obj, name
from labctl.client.unix import UnixTransport
from labctl.errors import LabError
from labctl.lab import processes, sandboxes, state, status
from labctl.lab.bundle import kernel, machine, store_file
from labctl.lab.bundle.redaction import redacted
from labctl.lab.bundle.sources import Sources
from labctl.lab.plan import cluster_of

_SECONDS = 5.0

T = TypeVar("T")


class Piece(NamedTuple):
    """A file of the bundle. `make` may raise LabError, OSError, TimeoutError and ValueError."""

    path: str
    make: Callable[[], bytes]


def pieces(sources: Sources) -> Iterator[Piece]:
    yield from _machine(sources.lab)
    yield from _lab(sources)
    yield from _objects(sources)
    yield from _network(sources)


def _machine(lab: str) -> Iterator[Piece]:
    yield Piece("versions.txt", machine.versions)
    yield Piece("doctor.txt", machine.diagnosis)
    yield Piece("processes.txt", partial(machine.processes, lab))
    yield from (Piece(f"logs/{log.name}", partial(machine.tail, log)) for log in machine.logs(lab))


def _lab(sources: Sources) -> Iterator[Piece]:
    lab = sources.lab
    yield Piece("lab.yaml", names.lab_file(lab).read_bytes)
    yield Piece("record.json", processes.record_file(lab).read_bytes)
    yield Piece("status.json", partial(_status, sources))
    yield Piece("sandboxes.json", partial(_sandboxes, lab))
    yield Piece("store.txt", partial(_store, lab))
    yield Piece("metrics.txt", partial(_metrics, sources))


def _objects(sources: Sources) -> Iterator[Piece]:
    if sources.silent:
        yield Piece("objects as the API has them", partial(_fail, sources.silent))
    for kind, items in sorted(sources.objects.items()):
        yield Piece(f"objects/{kind}.json", partial(_listed, items))


def _network(sources: Sources) -> Iterator[Piece]:
    for node in sorted(map(name, sources.nodes)):
        yield Piece(f"plans/{node}.txt", partial(_plan, sources, node))
    for pin in kernel.pins(sources.lab):
        place = pin.removeprefix(names.netns_prefix(sources.lab))
        yield Piece(f"namespaces/{place}.txt", partial(kernel.state, pin))
        yield Piece(f"namespaces/{place}.sysctl", partial(kernel.settings, pin))


def _status(sources: Sources) -> bytes:
    spec, pods = state.load(sources.lab), sources.objects.get("pods", [])
    if spec is None:
        raise LabError("nothing is stored of the lab")
    overview = status.process_overview(sources.lab, _SECONDS)
    return _json(status.compose(spec, sources.nodes, pods, overview))


def _sandboxes(lab: str) -> bytes:
    return _json(_wait(sandboxes.sandbox_list(lab)))


def _store(lab: str) -> bytes:
    spec = state.load(lab)
    if spec is not None and spec.store.engine != "sqlite":
        raise LabError(f"the store is {spec.store.engine}, which has no file")
    return store_file.statistics(names.store_file(lab)).encode()


def _metrics(sources: Sources) -> bytes:
    if sources.silent:
        raise LabError(sources.silent)
    return _wait(_get(names.api_socket(sources.lab), "/metrics"))


async def _get(socket: Path, path: str) -> bytes:
    async with aclosing(UnixTransport(socket).raw(path)) as chunks:
        return b"".join([chunk async for chunk in chunks])


def _listed(items: list[Obj]) -> bytes:
    return _json([redacted(one) for one in items])


def _plan(sources: Sources, node: str) -> bytes:
    cluster = _wait(cluster_of(sources.lab, node, sources.configmap, sources.nodes))
    return "".join(f"{one.describe()}\n" for one in cluster.plan(node)).encode()


def _fail(reason: str) -> bytes:
    raise LabError(reason)


def _wait(answer: Coroutine[Any, Any, T]) -> T:
    async def soon() -> T:
        async with asyncio.timeout(_SECONDS):
            return await answer

    return asyncio.run(soon())


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"
