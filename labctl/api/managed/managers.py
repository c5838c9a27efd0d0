"""Who manages which fields: the entries of metadata.managedFields.

An entry is a manager, how it wrote (Update or Apply), in which version, through which subresource,
when, and which fields. k8s.io/apimachinery/pkg/util/managedfields.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from labctl.api.managed.fields import Fields, read_fields, union
from labctl.api.objects import Obj, parse_time

UPDATE, APPLY = "Update", "Apply"
_FIELDS_TYPE = "FieldsV1"
_MAX_UPDATERS = 10
_ANCIENT = "ancient-changes"


class Manager(NamedTuple):
    """A manager as entries tell them apart."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Whoever applies is the same in every version."""
        version = "" if self.operation == APPLY else self.api_version
        return self.name, self.operation, version, self.subresource

    def entry(self, time: str, fields: Fields) -> Obj:
        """What managedFields say of this manager."""
        entry: Obj = {
            "manager": self.name,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": time,
            "fieldsType": _FIELDS_TYPE,
            "fieldsV1": fields,
        }
        return {**entry, "subresource": self.subresource} if self.subresource else entry

    def __str__(self) -> str:
        """As conflicts name it: `"kubectl-edit" using apps/v1`."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return text if self.operation == APPLY else f"{text} using {self.api_version}"


def manager_of(entry: Obj) -> Manager:
    return Manager(
        entry.get("manager", ""),
        entry["operation"],
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def present_entries(sent: Any, live: list[Obj]) -> list[Obj]:
    """The entries from which a write goes on: those that were sent if they are good, else the live.

    A list that is empty, or of one empty entry, is the wish that nobody manages anything.
    """
    if sent is None or sent == live:
        return live
    if sent in ([], [{}]):
        return []
    try:
        return _distinct(_read_entry(entry) for entry in sent)
    except (ValueError, TypeError, KeyError):
        return live  # Kubernetes passes over what it cannot read, and so must clients be able to


def _read_entry(entry: Obj) -> Obj:
    if entry["operation"] not in {UPDATE, APPLY} or not entry["apiVersion"]:
        raise ValueError("operation must be `Apply` or `Update`")
    if entry["fieldsType"] != _FIELDS_TYPE:
        raise ValueError("invalid fieldsType")
    read = manager_of(entry).entry(entry.get("time", ""), read_fields(entry.get("fieldsV1") or {}))
    return read if read["time"] else {key: read[key] for key in read if key != "time"}


def _distinct(entries: Iterable[Obj]) -> list[Obj]:
    """One entry a manager, the last; those that manage nothing are left out."""
    by_manager = {manager_of(entry).identity: entry for entry in entries}
    return ordered(entry for entry in by_manager.values() if entry["fieldsV1"])


def ordered(entries: Iterable[Obj]) -> list[Obj]:
    """Entries in the order in which the server shows them: who applies first, then by time."""
    return sorted(entries, key=_order)


def _order(entry: Obj) -> tuple[Any, ...]:
    manager = manager_of(entry)
    return (manager.operation, _seconds(entry), manager.name, *manager[2:])


def _seconds(entry: Obj) -> float:
    return parse_time(entry["time"]) if entry.get("time") else 0.0


def without(entries: Iterable[Obj], gone: Callable[[Obj], Fields]) -> list[Obj]:
    """The entries with other fields each; those that have none left are left out."""
    kept = []
    for entry in entries:
        fields = gone(entry)
        if fields:
            kept.append(entry if fields is entry["fieldsV1"] else {**entry, "fieldsV1": fields})
    return kept


def capped(entries: list[Obj]) -> list[Obj]:
    """No more than ten who update: the oldest become one, so that many names cannot fill an object."""
    updaters = [entry for entry in ordered(entries) if entry["operation"] == UPDATE]
    surplus = len(updaters) - _MAX_UPDATERS
    if surplus <= 0:
        return entries
    old = updaters[: surplus + 1]
    fields: Fields = {}
    for entry in old:
        fields = union(fields, entry["fieldsV1"])
    ancient = Manager(_ANCIENT, UPDATE, old[-1]["apiVersion"]).entry(
        old[-1].get("time", ""), fields
    )
    return [*(entry for entry in entries if entry not in old), ancient]


def same_but_for_times(one: list[Obj], other: list[Obj]) -> bool:
    """Whether two lists of entries say the same of everybody's fields."""
    return len(one) == len(other) and all(
        {**first, "time": ""} == {**second, "time": ""}
        for first, second in zip(one, other, strict=True)
    )
