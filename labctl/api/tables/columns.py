"""What a printer is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labctl.api.objects import Obj


@dataclass(frozen=True)
class Column:
    """A column's heading and type; priority 1 is shown only on `-o wide`."""

    name: str
    type: str = "string"
    priority: int = 0
    format: str = ""
    description: str = ""

    def definition(self) -> Obj:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


@dataclass(frozen=True)
class Printer:
    """A kind's columns, and the cells of one object, as many as there are columns.

    The second argument of `cells` is the present time, in seconds since the epoch.
    """

    columns: tuple[Column, ...]
    cells: Callable[[Obj, float], list[Any]]


NAME = Column("Name", format="name", description="Unique within a namespace")
AGE = Column("Age", description="Time since the object was created")
CREATED_AT = Column("Created At", type="date", description="When the object was created")


def text(name: str) -> Column:
    return Column(name)


def number(name: str) -> Column:
    return Column(name, type="integer")


def wide(name: str, type_: str = "string") -> Column:
    return Column(name, type=type_, priority=1)
