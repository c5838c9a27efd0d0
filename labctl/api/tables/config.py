"""The rows of Namespaces, ConfigMaps, Secrets, quotas and limits."""

from typing import Any

from labctl.api.kinds.core import (
    CONFIGMAPS,
    LIMITRANGES,
    NAMESPACES,
    RESOURCEQUOTAS,
    SECRETS,
    SERVICEACCOUNTS,
)
from labctl.api.objects import Obj, name
from labctl.api.tables.columns import AGE, CREATED_AT, NAME, Printer, number, text
from labctl.api.tables.text import age, status


def _namespace(obj: Obj, now: float) -> list[Any]:
    return [name(obj), status(obj).get("phase") or "", age(obj, now)]


def _configmap(obj: Obj, now: float) -> list[Any]:
    size = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
    return [name(obj), size, age(obj, now)]


def _secret(obj: Obj, now: float) -> list[Any]:
    return [name(obj), obj.get("type") or "", len(obj.get("data") or ()), age(obj, now)]


def _serviceaccount(obj: Obj, now: float) -> list[Any]:
    return [name(obj), len(obj.get("secrets") or ()), age(obj, now)]


def _quota(obj: Obj, now: float) -> list[Any]:
    hard, used = status(obj).get("hard") or {}, status(obj).get("used") or {}
    shown = {key: f"{key}: {used.get(key, 0)}/{hard[key]}" for key in sorted(hard)}
    limits = [text_ for key, text_ in shown.items() if key.startswith("limits.")]
    requests = [text_ for key, text_ in shown.items() if not key.startswith("limits.")]
    return [name(obj), age(obj, now), ", ".join(requests), ", ".join(limits)]


def _limits(obj: Obj, now: float) -> list[Any]:
    del now
    return [name(obj), (obj.get("metadata") or {}).get("creationTimestamp") or ""]


PRINTERS = {
    NAMESPACES: Printer((NAME, text("Status"), AGE), _namespace),
    CONFIGMAPS: Printer((NAME, number("Data"), AGE), _configmap),
    SECRETS: Printer((NAME, text("Type"), number("Data"), AGE), _secret),
    SERVICEACCOUNTS: Printer((NAME, number("Secrets"), AGE), _serviceaccount),
    RESOURCEQUOTAS: Printer((NAME, AGE, text("Request"), text("Limit")), _quota),
    LIMITRANGES: Printer((NAME, CREATED_AT), _limits),
}
