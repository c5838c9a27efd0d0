"""The rows of CustomResourceDefinitions."""

from typing import Any

from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS
from labctl.api.objects import Obj, name
from labctl.api.tables.columns import CREATED_AT, NAME, Printer


def _definition(obj: Obj, now: float) -> list[Any]:
    del now
    return [name(obj), (obj.get("metadata") or {}).get("creationTimestamp") or ""]


PRINTERS = {CUSTOMRESOURCEDEFINITIONS: Printer((NAME, CREATED_AT), _definition)}
