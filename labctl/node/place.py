"""Whose agent this is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    lab: str
    node: str
    address: str  # the node's InternalIP
