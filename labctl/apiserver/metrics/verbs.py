"""get and list of NodeMetrics and PodMetrics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from labctl.api import status
from labctl.api.kinds.core import NODES, PODS
from labctl.api.kinds.metrics import NODEMETRICS, PODMETRICS
from labctl.api.objects import Obj, format_time, labels, name, namespace, now, uid
from labctl.api.resource import Resource
from labctl.api.tables import table
from labctl.apiserver.answers import Plain
from labctl.apiserver.forms import Form, wanted_form
from labctl.apiserver.metrics.rates import Rate
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.reading import matching_entries
from labctl.apiserver.request import Request, Target

# How metrics-server names what it does not find.
_NODE_NAMES = replace(NODEMETRICS, plural="nodemetrics")
_POD_NAMES = replace(PODMETRICS, plural="podmetrics")


async def list_nodes(backend: Backend, request: Request) -> Plain:
    """200 with the figures of the nodes that answer; raises 400."""
    nodes = await _matching(backend, request, NODES)
    return _listing(request, await _of_nodes(backend, nodes))


async def get_node(backend: Backend, request: Request) -> Plain:
    """200, or 404 for a node that is not there or does not answer."""
    node = backend.cache.get(NODES, "", request.name)
    found = await _of_nodes(backend, [node.object] if node else [])
    if not found:
        raise status.not_found(_NODE_NAMES, request.name)
    return _single(request, found[0])


async def list_pods(backend: Backend, request: Request) -> Plain:
    """200 with the figures of the pods that run on nodes that answer; raises 400."""
    pods = await _matching(backend, request, PODS)
    return _listing(request, await _of_pods(backend, pods))


async def get_pod(backend: Backend, request: Request) -> Plain:
    """200, or 404 for a pod that is not there, does not run, or is on a silent node."""
    pod = backend.cache.get(PODS, request.namespace, request.name)
    found = await _of_pods(backend, [pod.object] if pod else [])
    if not found:
        raise status.not_found(_POD_NAMES, f"{request.namespace}/{request.name}")
    return _single(request, found[0])


async def _matching(backend: Backend, request: Request, resource: Resource) -> list[Obj]:
    """The objects that are meant: selectors are those of the nodes and pods themselves."""
    await backend.cache.fresh()
    target = Target(resource, request.namespace)
    matching = matching_entries(backend, replace(request, target=target))
    return [entry.object for entry in matching]


async def _of_nodes(backend: Backend, nodes: Sequence[Obj]) -> list[Obj]:
    usages = await backend.usage.of(map(name, nodes))
    return [
        _metrics(NODEMETRICS, node, [usage.node], {"usage": _usage(usage.node)})
        for node in nodes
        if (usage := usages.get(name(node))) is not None
    ]


async def _of_pods(backend: Backend, pods: Sequence[Obj]) -> list[Obj]:
    at = {uid(pod): pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")}
    usages = await backend.usage.of(at.values())
    found = []
    for pod in pods:
        usage = usages.get(at.get(uid(pod), ""))
        containers = usage.pods.get(uid(pod)) if usage is not None else None
        if containers:
            found.append(_pod_metrics(pod, containers))
    return found


def _pod_metrics(pod: Obj, containers: Mapping[str, Rate]) -> Obj:
    listed = [{"name": one, "usage": _usage(rate)} for one, rate in containers.items()]
    return _metrics(PODMETRICS, pod, containers.values(), {"containers": listed})


def _metrics(resource: Resource, obj: Obj, rates: Iterable[Rate], rest: Obj) -> Obj:
    """The metrics of an object: it is as old as its figures, and bears the labels of what it is of."""
    metadata: Obj = {"name": name(obj), "creationTimestamp": now()}
    if resource.namespaced:
        metadata["namespace"] = namespace(obj)
    if labels(obj):
        metadata["labels"] = labels(obj)
    shortest = min(rates, key=lambda rate: rate.window)
    return {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": metadata,
        "timestamp": format_time(shortest.at),
        "window": f"{shortest.window:.3f}s",
        **rest,
    }


def _usage(rate: Rate) -> Obj:
    return {"cpu": f"{rate.cpu}n", "memory": f"{rate.memory // 1024}Ki"}


def _listing(request: Request, items: Sequence[Obj]) -> Plain:
    if wanted_form(request.accept) is Form.TABLE:
        return _tabulated(request, items)
    resource = request.resource
    head: Obj = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
    return Plain({**head, "metadata": {}, "items": list(items)})


def _single(request: Request, item: Obj) -> Plain:
    return _tabulated(request, [item]) if wanted_form(request.accept) is Form.TABLE else Plain(item)


def _tabulated(request: Request, items: Sequence[Obj]) -> Plain:
    include = request.query.get("includeObject") or "Metadata"
    return Plain(table(request.resource, items, include_object=include))
