"""Whose agent this is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    lab: str
    node: str
    address: str  # the node's InternalIP
    capacity: Mapping[str, str] = field(default_factory=dict)
    """What the node has of each resource, as its status tells it."""
