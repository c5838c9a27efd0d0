"""Which names a definition gets: those that nothing else in its group has been given before.

As the naming controller of apiextensions-apiserver: a name once accepted stays with its definition.
Built-in kinds have theirs for ever: their objects are stored where those of a namesake would be.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from labctl.api.custom.definition import ESTABLISHED, NAMES_ACCEPTED, storage_version
from labctl.api.objects import Obj, condition, is_condition_true, set_condition
from labctl.api.resources import RESOURCES

_REASONS = (
    ("plural", "PluralConflict"),
    ("singular", "SingularConflict"),
    ("shortNames", "ShortNamesConflict"),
    ("kind", "KindConflict"),
    ("listKind", "ListKindConflict"),
)
_KINDS = ("kind", "listKind")


@dataclass(frozen=True)
class _Taken:
    """The words that other kinds of a group have."""

    resources: frozenset[str]
    kinds: frozenset[str]

    @classmethod
    def within(cls, group: str, definitions: Iterable[Obj]) -> "_Taken":
        beside = [one for one in definitions if one["spec"]["group"] == group]
        given = [(one.get("status") or {}).get("acceptedNames") or {} for one in beside]
        resources = {one.get(word, "") for one in given for word in ("plural", "singular")}
        resources |= {short for one in given for short in one.get("shortNames") or ()}
        kinds = {one.get(word, "") for one in given for word in _KINDS}
        for one in RESOURCES:
            if one.group == group:
                resources |= {one.plural, one.singular, *one.short_names}
                kinds |= {one.kind, one.list_kind}
        return cls(frozenset(resources - {""}), frozenset(kinds - {""}))


def new_status(crd: Obj) -> Obj:
    """The status with which a definition begins."""
    accepted = {"plural": "", "kind": ""}
    stored = [storage_version(crd)]
    return {"conditions": [], "acceptedNames": accepted, "storedVersions": stored}


def named_status(crd: Obj, others: Iterable[Obj]) -> Obj:
    """The status of a definition beside others: its names, whether it is served, what is stored."""
    status = crd.get("status") or new_status(crd)
    taken = _Taken.within(crd["spec"]["group"], others)
    accepted, reason, message = _accept(crd["spec"]["names"], status.get("acceptedNames"), taken)
    conditions = set_condition(
        status.get("conditions") or (), NAMES_ACCEPTED, "False" if reason else "True",
        reason or "NoConflicts", message or "no conflicts found",
    )  # fmt: skip
    stored = list(status.get("storedVersions") or ())
    if storage_version(crd) not in stored:
        stored.append(storage_version(crd))
    return {
        **status,
        "acceptedNames": accepted,
        "conditions": _established(crd, conditions, refused=bool(reason)),
        "storedVersions": stored,
    }


def _accept(wanted: Obj, had: Obj | None, taken: _Taken) -> tuple[Obj, str, str]:
    """The names that are given, and reason and message of the last that is not."""
    accepted = {name: value for name, value in (had or {}).items() if value}
    reason = message = ""
    for word, why in _REASONS:
        words = wanted.get(word) or ()
        used = taken.kinds if word in _KINDS else taken.resources
        clash = [one for one in ([words] if isinstance(words, str) else words) if one in used]
        if clash:
            reason, message = why, f'"{clash[0]}" is already in use'
        elif words:
            accepted[word] = words
        else:
            accepted.pop(word, None)
    accepted.pop("categories", None)
    if wanted.get("categories"):
        accepted["categories"] = wanted["categories"]
    return {"plural": "", "kind": "", **accepted}, reason, message


def _established(crd: Obj, conditions: list[Obj], *, refused: bool) -> list[Obj]:
    """Served once, a definition stays so, even if it asks for names that it cannot get."""
    if is_condition_true(crd, ESTABLISHED):
        return conditions
    if not refused:
        told = ("True", "InitialNamesAccepted", "the initial names have been accepted")
    elif condition(crd, ESTABLISHED) is None:
        told = ("False", "NotAccepted", "not all names are accepted")
    else:
        return conditions
    return set_condition(conditions, ESTABLISHED, *told)
