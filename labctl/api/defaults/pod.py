"""Defaults of Pods and of the pod templates in everything that makes Pods.

pkg/apis/core/v1/defaults.go. This runs for every Pod that is written, so it is written for speed:
a dict display with the defaults first and the given members after them.
"""

from collections.abc import Callable
from typing import Any

from labctl.api.defaults.fill import change, each, fill
from labctl.api.images import pull_policy
from labctl.api.kinds.core import PODS, PODTEMPLATES
from labctl.api.objects import Obj
from labctl.api.resource import Resource

_SPEC: Obj = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_CONTAINER: Obj = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_PROBE: Obj = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_MODE = 0o644
CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


def set_pod(obj: Obj) -> Obj:
    spec = {"enableServiceLinks": True, **set_pod_spec(obj["spec"])} if "spec" in obj else None
    if spec is None:
        return obj
    for field in CONTAINER_LISTS[:2]:
        if field in spec:
            spec[field] = [_requests_from_limits(one) for one in spec[field]]
    return {**obj, "spec": spec}


def set_template(template: Obj) -> Obj:
    """A pod template; also of an object that has none, whose validation will say so."""
    return change(template, "spec", set_pod_spec)


def set_pod_spec(given: Obj) -> Obj:
    spec = {**_SPEC, **given}
    host_network = bool(spec.get("hostNetwork"))
    for field in CONTAINER_LISTS:
        if field in spec:
            spec[field] = [_container(one, host_network) for one in spec[field]]
    if "volumes" in spec:
        spec["volumes"] = [_volume(one) for one in spec["volumes"]]
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    return spec


def _container(given: Obj, host_network: bool) -> Obj:
    container = {**_CONTAINER, **given}
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = pull_policy(container.get("image", ""))
    if "ports" in container:
        container["ports"] = [_port(one, host_network) for one in container["ports"]]
    if "env" in container:
        container["env"] = [_env(one) for one in container["env"]]
    if "lifecycle" in container:
        container["lifecycle"] = {key: _handler(h) for key, h in container["lifecycle"].items()}
    for field in _PROBES:
        if field in container:
            container[field] = _handler({**_PROBE, **container[field]})
    return container


def _port(given: Obj, host_network: bool) -> Obj:
    port = {"protocol": "TCP", **given}
    if host_network and not port.get("hostPort") and "containerPort" in port:
        port["hostPort"] = port["containerPort"]
    return port


def _env(variable: Obj) -> Obj:
    source = variable.get("valueFrom")
    if source is None or "fieldRef" not in source:
        return variable
    return {**variable, "valueFrom": _field_reference(source)}


def _field_reference(holder: Obj) -> Obj:
    return change(holder, "fieldRef", lambda field: {"apiVersion": "v1", **field})


def _handler(handler: Any) -> Any:
    """A probe or a lifecycle handler (or its stopSignal, which is a string)."""
    if not isinstance(handler, dict):
        return handler
    if "httpGet" in handler:
        return {**handler, "httpGet": {"path": "/", "scheme": "HTTP", **handler["httpGet"]}}
    return change(handler, "grpc", lambda grpc: {"service": "", **grpc})


def _requests_from_limits(container: Obj) -> Obj:
    """What is limited and not requested is requested in full."""
    resources = container["resources"]
    limits = resources.get("limits")
    if not limits:
        return container
    requests = resources.get("requests") or {}
    return {**container, "resources": {**resources, "requests": {**limits, **requests}}}


def _volume(volume: Obj) -> Obj:
    if len(volume) == 1 and "name" in volume:
        return {**volume, "emptyDir": {}}
    for source, setter in _VOLUME_SOURCES.items():
        if source in volume:
            return {**volume, source: setter(volume[source])}
    return volume


def _with_mode(source: Obj) -> Obj:
    return {"defaultMode": _MODE, **source}


def _downward(source: Obj) -> Obj:
    return change(source, "items", each(_field_reference))


def _projection(source: Obj) -> Obj:
    token = change(source, "serviceAccountToken", lambda one: {"expirationSeconds": 3600, **one})
    return change(token, "downwardAPI", _downward)


_VOLUME_SOURCES: dict[str, Callable[[Obj], Obj]] = {
    "secret": _with_mode,
    "configMap": _with_mode,
    "downwardAPI": lambda source: _with_mode(_downward(source)),
    "projected": lambda source: _with_mode(change(source, "sources", each(_projection))),
    "hostPath": lambda source: fill(source, {"type": ""}),
}

DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    PODS: set_pod,
    PODTEMPLATES: lambda obj: change(obj, "template", set_template),
}
