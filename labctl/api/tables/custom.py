"""The rows of custom objects, by the columns of their definition.

apiextensions-apiserver/pkg/registry/customresource/tableconvertor.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from labctl.api import jsonpath
from labctl.api.custom.type import CustomType
from labctl.api.objects import Obj, name
from labctl.api.tables.columns import NAME, Column, Printer
from labctl.api.tables.text import since

_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_DESCRIPTION = "Custom resource definition column (in JSONPath format): {}"
Cell = Callable[[Obj, float], Any]


@lru_cache(maxsize=1024)  # kinds come and go with their definitions
def printer_of(custom: CustomType) -> Printer:
    """The printer of a version of a kind: name, then its columns, or its age if it has none."""
    columns = custom.columns or (_AGE,)
    cells = [_cell(column) for column in columns]

    def row(obj: Obj, now: float) -> list[Any]:
        return [name(obj), *(cell(obj, now) for cell in cells)]

    return Printer((NAME, *(_column(column) for column in columns)), row)


def _column(column: Obj) -> Column:
    return Column(
        column["name"],
        column["type"],
        column.get("priority") or 0,
        column.get("format") or "",
        column.get("description") or _DESCRIPTION.format(column["jsonPath"]),
    )


def _cell(column: Obj) -> Cell:
    """What a column shows of an object: None where there is nothing, or nothing of its type."""
    steps, form = jsonpath.parse(column["jsonPath"]), _FORMS[column["type"]]

    def cell(obj: Obj, now: float) -> Any:
        found = jsonpath.walk(steps, obj)
        return form(found[0], now) if found else None

    return cell


def _of_type(*types: type) -> Callable[[Any, float], Any]:
    return lambda value, _: value if type(value) in types else None


def _integer(value: Any, _: float) -> int | None:
    return int(value) if type(value) in (int, float) else None


def _date(value: Any, now: float) -> str | None:
    """The time that has passed since then."""
    if not isinstance(value, str):
        return None
    shown = since(value, now)
    return "<invalid>" if value and shown == "<unknown>" else shown


_FORMS: dict[str, Callable[[Any, float], Any]] = {
    "boolean": _of_type(bool),
    "date": _date,
    "integer": _integer,
    "number": _of_type(int, float),
    "string": lambda value, _: None if value is None else jsonpath.printed(value),
}
