"""Server-side apply: a configuration becomes part of an object, and its fields the manager's own.

sigs.k8s.io/structured-merge-diff/merge: what the manager applied before and applies no longer goes,
unless somebody else manages it; a field that another manages with another value is a conflict,
which force decides for the one who applies.
"""

from dataclasses import dataclass
from typing import NamedTuple

from labctl.api.managed.compare import compare
from labctl.api.managed.extract import fields_of
from labctl.api.managed.fields import (
    Fields,
    difference,
    format_path,
    intersection,
    paths,
)
from labctl.api.managed.last_applied import allowed_by_last_applied, with_last_applied
from labctl.api.managed.managers import UPDATE, Manager, manager_of, ordered, without
from labctl.api.managed.merge import merge
from labctl.api.managed.prune import prune
from labctl.api.managed.types import Type
from labctl.api.managed.update import updated, writable
from labctl.api.objects import Obj, annotations

_BEFORE = "before-first-apply"


class Conflict(NamedTuple):
    """A field, and who manages it with another value."""

    manager: Manager
    field: str


class Conflicts(Exception):
    """Others manage what a configuration would change."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        super().__init__(f"{len(conflicts)} conflicts")
        self.conflicts = conflicts


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it; the object's own managedFields are not these entries yet."""

    obj: Obj
    entries: list[Obj]


def apply(
    type_: Type,
    live: Obj,
    entries: list[Obj],
    config: Obj,
    manager: Manager,
    time: str,
    force: bool,
) -> Applied:
    """Merges `config` into `live` ({}: there is none). Raises Conflicts, NoElement."""
    if live and not entries:
        before = Manager(_BEFORE, UPDATE, manager.api_version, manager.subresource)
        entries = updated(type_, [], {}, live, before, time)
    own = next((one for one in entries if manager_of(one).identity == manager.identity), None)
    others = [one for one in entries if one is not own]
    claimed = fields_of(type_, writable(config))
    merged = prune(
        type_,
        merge(type_, live, config),
        own["fieldsV1"] if own else {},
        [claimed, *(one["fieldsV1"] for one in others)],
    )
    found = compare(type_, live, merged)
    if not force:
        _check(type_, live, others, found.written, manager)
    touched = found.touched
    kept = without(others, lambda one: difference(one["fieldsV1"], touched))
    unchanged = own is not None and merged == live and own["fieldsV1"] == claimed
    if own is not None and unchanged:
        kept.append(own)
    elif claimed:
        kept.append(manager.entry(time, claimed))
    return Applied(_annotated(merged, config, manager), ordered(kept))


def _check(type_: Type, live: Obj, others: list[Obj], written: Fields, manager: Manager) -> None:
    """Raises Conflicts where others have what is written."""
    allowed = allowed_by_last_applied(type_, live, manager)
    conflicts = [
        Conflict(manager_of(one), format_path(path))
        for one in others
        for path in paths(
            difference(intersection(one["fieldsV1"], written), allowed),
        )
    ]
    if conflicts:
        raise Conflicts(conflicts)


def _annotated(merged: Obj, config: Obj, manager: Manager) -> Obj:
    """The annotation of client-side apply stays true, where there is one."""
    return with_last_applied(merged, config, manager) if annotations(merged) else merged
