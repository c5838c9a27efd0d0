"""Tables: how kubectl shows objects, made by the server so that no client has a printer of its own.

Columns and cells are those of Kubernetes' pkg/printers/internalversion/printers.go. A kind's printer
is its columns and a function from an object to its cells; columns of priority 1 are `-o wide`.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from labctl.api.objects import Obj, name
from labctl.api.resource import Resource
from labctl.api.tables import (
    access,
    autoscaling,
    config,
    definitions,
    events,
    extension,
    metrics,
    network,
    nodes,
    pods,
    storage,
    workloads,
)
from labctl.api.tables.columns import AGE, NAME, Printer
from labctl.api.tables.custom import printer_of
from labctl.api.tables.text import age, duration

__all__ = ["age", "column_definitions", "duration", "table"]

_PRINTERS: dict[Resource, Printer] = {
    **access.PRINTERS,
    **autoscaling.PRINTERS,
    **config.PRINTERS,
    **definitions.PRINTERS,
    **events.PRINTERS,
    **metrics.PRINTERS,
    **extension.PRINTERS,
    **network.PRINTERS,
    **nodes.PRINTERS,
    **pods.PRINTERS,
    **storage.PRINTERS,
    **workloads.PRINTERS,
}
_DEFAULT = Printer((NAME, AGE), lambda obj, now: [name(obj), age(obj, now)])


def table(
    resource: Resource,
    objs: Iterable[Obj],
    list_metadata: Mapping[str, Any] | None = None,
    now: float | None = None,
    include_object: str = "Metadata",
    *,
    columns: bool = True,
) -> Obj:
    """The `meta.k8s.io/v1` Table of objects of one kind.

    `list_metadata` is the List's (resourceVersion, continue, remainingItemCount); `now` is the time
    in seconds since the epoch by which ages are reckoned. `include_object` is the query's choice of
    what each row carries: "Metadata", "Object" or "None". Watches leave the `columns` out of all
    events but the first.
    """
    printer = _printer(resource)
    moment = time.time() if now is None else now
    rows = [
        {"cells": printer.cells(obj, moment), "object": _row_object(obj, include_object)}
        for obj in objs
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(list_metadata or {}),
        "columnDefinitions": column_definitions(resource) if columns else [],
        "rows": rows,
    }


def column_definitions(resource: Resource) -> list[Obj]:
    """The columns of a kind's Table."""
    return [column.definition() for column in _printer(resource).columns]


def _printer(resource: Resource) -> Printer:
    """A kind's printer; an older version without one of its own is printed like the stored one."""
    if resource.custom is not None:
        return printer_of(resource.custom)
    printer = _PRINTERS.get(resource)
    if printer is None and resource.stored is not None:
        printer = _PRINTERS.get(resource.stored)
    return printer or _DEFAULT


def _row_object(obj: Obj, include: str) -> Obj | None:
    if include == "Object":
        return obj
    if include == "None":
        return None
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj.get("metadata") or {},
    }
