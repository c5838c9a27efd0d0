"""The published JSON Schema of a Lab file, for editors: what `labctl schema` prints.

Its numbers and choices come from where `parse_lab` takes them, so the two cannot disagree.
"""

from labctl.api.lab import checks, cni, spec
from labctl.api.objects import Obj


def lab_schema() -> Obj:
    """JSON Schema (draft 2020-12) of the Lab object."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": spec.LAB_KIND,
        **_mapping(
            {
                "apiVersion": {"const": spec.LAB_API_VERSION},
                "kind": {"const": spec.LAB_KIND},
                "metadata": _metadata(),
                "spec": _mapping(
                    {
                        "nodes": _nodes(),
                        "network": _network(),
                        "times": _times(),
                        "store": _store(),
                        "images": {"enum": list(spec.IMAGES), "default": spec.LENIENT},
                    }
                ),
            },
            required=("apiVersion", "kind"),
        ),
    }


def _mapping(properties: Obj, required: tuple[str, ...] = ()) -> Obj:
    schema: Obj = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def _metadata() -> Obj:
    strings = {"type": "object", "additionalProperties": {"type": "string"}}
    name = {**_label(), "maxLength": spec.MAX_NAME, "default": spec.DEFAULT_NAME}
    return _mapping({"name": name, "labels": strings, "annotations": strings})


def _label() -> Obj:
    return {
        "type": "string",
        "pattern": f"^{checks.LABEL.pattern}$",
        "maxLength": checks.MAX_LABEL,
    }


def _nodes() -> Obj:
    count = {"type": "integer", "minimum": 1, "maximum": spec.MAX_NODES}
    listed = {"type": "array", "minItems": 1, "maxItems": spec.MAX_NODES, "items": _node()}
    return {
        "description": "how many nodes, or a list that names each",
        "default": spec.DEFAULT_NODES,
        "anyOf": [count, listed],
    }


def _node() -> Obj:
    key = {"type": "string", "pattern": f"^{checks.LABEL_KEY.pattern}$"}
    value = {"type": "string", "pattern": f"^{checks.LABEL_VALUE.pattern}$"}
    taint = _mapping(
        {"key": key, "value": value, "effect": {"enum": list(spec.TAINT_EFFECTS)}},
        required=("key", "effect"),
    )
    labels = {"type": "object", "propertyNames": key, "additionalProperties": value}
    taints = {"type": "array", "items": taint}
    return _mapping({"name": _label(), "labels": labels, "taints": taints}, required=("name",))


def _network() -> Obj:
    default = spec.NetworkSpec()
    mtu = {"type": "integer", "minimum": spec.MIN_MTU, "maximum": spec.MAX_MTU}
    return _mapping(
        {
            "backend": {"enum": list(spec.BACKENDS), "default": default.backend},
            "podCIDR": {"type": "string", "default": default.pod_cidr},
            "serviceCIDR": {"type": "string", "default": default.service_cidr},
            "mtu": {**mtu, "default": default.mtu},
            "healing": {"type": "boolean", "default": default.healing},
            "cni": _cni(),
        }
    )


def _cni() -> Obj:
    name = {"type": "string", "pattern": f"^{cni.NAME.pattern}$"}
    plugins = {"type": "array", "minItems": 1, "items": _open({"type": name})}
    conflist = {
        "description": "a file with a network configuration list, or such a list",
        "anyOf": [{"type": "string"}, _open({"name": name, "plugins": plugins})],
    }
    low, high = cni.TIMEOUT_LIMITS
    seconds = {"type": "number", "minimum": low, "maximum": high, "default": cni.TIMEOUT_SECONDS}
    return _mapping(
        {
            "conflist": conflist,
            "binDir": {"type": "string", "default": cni.BIN_DIR},
            "timeoutSeconds": seconds,
        },
        required=("conflist",),
    )


def _open(properties: Obj) -> Obj:
    """A mapping in which there may be more."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _times() -> Obj:
    default = spec.Times()
    return _mapping(
        {
            "heartbeatSeconds": _seconds(spec.HEARTBEAT_LIMITS, default.heartbeat_seconds),
            "graceSeconds": _seconds(spec.GRACE_LIMITS, default.grace_seconds),
            "evictionSeconds": {
                **_seconds(spec.EVICTION_LIMITS, default.eviction_seconds),
                "type": "integer",
            },
            "crashBackoffSeconds": _seconds(
                spec.CRASH_BACKOFF_LIMITS, default.crash_backoff_seconds
            ),
            "crashBackoffLimitSeconds": _seconds(
                spec.CRASH_BACKOFF_LIMITS, default.crash_backoff_limit_seconds
            ),
        }
    )


def _seconds(limits: tuple[float, float], default: float) -> Obj:
    return {"type": "number", "minimum": limits[0], "maximum": limits[1], "default": default}


def _store() -> Obj:
    file = {"type": "string", "pattern": "^/"}
    endpoints = {
        "description": "of an etcd that runs; without any the lab starts its own",
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "pattern": "^https?://"},
    }
    return _mapping(
        {
            "engine": {"enum": list(spec.STORES), "default": spec.STORES[0]},
            "endpoints": endpoints,
            "caFile": file,
            "certFile": file,
            "keyFile": file,
        }
    )
