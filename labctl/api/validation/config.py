"""The rules of ConfigMaps, Secrets, Nodes, Leases, Events and bindings of roles."""

import base64
import binascii
from collections.abc import Iterator, Mapping

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj, annotations, namespace
from labctl.api.tokens import ACCOUNT_NAME, SECRET_TYPE
from labctl.api.validation import names, terms
from labctl.api.validation.placement import check_taints

MAX_DATA = 1024 * 1024  # bytes of a ConfigMap or Secret
_TLS = "kubernetes.io/tls"


def check_configmap(obj: Obj) -> Iterator[Cause]:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    yield from _keys(data, "data")
    yield from _keys(binary, "binaryData")
    for key in data.keys() & binary.keys():
        yield causes.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    size = sum(len(value.encode()) for value in data.values())
    size += sum(len(value) * 3 // 4 for value in binary.values())
    if size > MAX_DATA:
        yield causes.too_long("", MAX_DATA)


def check_secret(obj: Obj) -> Iterator[Cause]:
    data = obj.get("data") or {}
    yield from _keys(data, "data")
    for key, value in data.items():
        if not _is_base64(value):
            yield causes.invalid(f"data[{key}]", value[:40], "must be base64")
    if sum(len(value) * 3 // 4 for value in data.values()) > MAX_DATA:
        yield causes.too_long("data", MAX_DATA)
    if obj.get("type") == SECRET_TYPE and not annotations(obj).get(ACCOUNT_NAME):
        yield causes.required(f"metadata.annotations[{ACCOUNT_NAME}]")
    if obj.get("type") == _TLS:
        for key in ("tls.crt", "tls.key"):
            if key not in data:
                yield causes.required(f"data[{key}]")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _keys(data: Mapping[str, str], path: str) -> Iterator[Cause]:
    for key in data:
        for problem in names.config_key(key):
            yield causes.invalid(f"{path}[{key}]", key, problem)


def check_configmap_update(new: Obj, old: Obj) -> Iterator[Cause]:
    yield from _immutable(new, old, ("data", "binaryData"))


def check_secret_update(new: Obj, old: Obj) -> Iterator[Cause]:
    yield from terms.unchanged(new.get("type"), old.get("type"), "type")
    yield from _immutable(new, old, ("data",))


def _immutable(new: Obj, old: Obj, members: tuple[str, ...]) -> Iterator[Cause]:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        sentence = "field is immutable when `immutable` is set"
        yield causes.forbidden("immutable", sentence)
    for member in members:
        if (new.get(member) or {}) != (old.get(member) or {}):
            yield causes.forbidden(member, "field is immutable when `immutable` is set")


def check_node(obj: Obj) -> Iterator[Cause]:
    yield from check_taints((obj.get("spec") or {}).get("taints") or [], "spec.taints")


def check_node_update(new: Obj, old: Obj) -> Iterator[Cause]:
    after, before = new.get("spec") or {}, old.get("spec") or {}
    if before.get("podCIDR") and after.get("podCIDR") != before["podCIDR"]:
        sentence = 'node updates may not change podCIDR except from "" to valid'
        yield causes.forbidden("spec.podCIDRs", sentence)


def check_lease(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        yield causes.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
    yield from terms.not_negative(spec, ("leaseTransitions",), "spec")


def check_event(obj: Obj) -> Iterator[Cause]:
    """An event is kept where its object is; of an object without a namespace, in `default`."""
    involved = (obj.get("involvedObject") or {}).get("namespace") or ""
    if (involved or "default") != namespace(obj):
        sentence = "does not match event.namespace"
        yield causes.invalid("involvedObject.namespace", involved, sentence)
