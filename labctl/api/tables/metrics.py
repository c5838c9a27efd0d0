"""The rows of NodeMetrics and PodMetrics, as metrics-server prints them."""

from typing import Any

from labctl.api.kinds.metrics import NODEMETRICS, PODMETRICS
from labctl.api.objects import Obj, name
from labctl.api.quantity import Quantity
from labctl.api.tables.columns import NAME, Column, Printer

_COLUMNS = (
    NAME,
    Column("cpu", format="quantity"),
    Column("memory", format="quantity"),
    Column("Window", format="duration"),
)


def _node(metrics: Obj, now: float) -> list[Any]:
    del now
    usage = metrics["usage"]
    return [name(metrics), usage["cpu"], usage["memory"], metrics["window"]]


def _pod(metrics: Obj, now: float) -> list[Any]:
    del now
    sums = [
        str(Quantity.total(one["usage"][resource] for one in metrics["containers"]))
        for resource in ("cpu", "memory")
    ]
    return [name(metrics), *sums, metrics["window"]]


PRINTERS = {NODEMETRICS: Printer(_COLUMNS, _node), PODMETRICS: Printer(_COLUMNS, _pod)}
