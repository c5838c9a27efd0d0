"""Objects as the API carries them: plain dicts, read through a few words.

Unknown fields survive because nothing is parsed into classes. Objects that come out of a cache or a
store are shared, so everything here reads, or builds something new; nothing is changed in place.
"""

import math
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

Obj = dict[str, Any]

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def name(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or {}).get("name") or ""


def namespace(obj: Mapping[str, Any]) -> str:
    """The namespace, or "" of an object that has none."""
    return (obj.get("metadata") or {}).get("namespace") or ""


def uid(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or {}).get("uid") or ""


def resource_version(obj: Mapping[str, Any]) -> str:
    return (obj.get("metadata") or {}).get("resourceVersion") or ""


def key(obj: Mapping[str, Any]) -> str:
    """`namespace/name`, or `name` of an object without a namespace: the key of caches and queues."""
    space = namespace(obj)
    return f"{space}/{name(obj)}" if space else name(obj)


def labels(obj: Mapping[str, Any]) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("labels") or {}


def annotations(obj: Mapping[str, Any]) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}


def owner_references(obj: Mapping[str, Any]) -> list[Obj]:
    return (obj.get("metadata") or {}).get("ownerReferences") or []


def controller_of(obj: Mapping[str, Any]) -> Obj | None:
    """The owner reference that is marked as the managing controller, if there is one."""
    for owner in owner_references(obj):
        if owner.get("controller"):
            return owner
    return None


def owner_reference(owner: Mapping[str, Any], *, controller: bool = True) -> Obj:
    """A reference to `owner`, to be put into a dependent's `ownerReferences`."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name(owner),
        "uid": uid(owner),
    }
    if controller:
        return {**reference, "controller": True, "blockOwnerDeletion": True}
    return reference


def is_deleting(obj: Mapping[str, Any]) -> bool:
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def now() -> str:
    """The present time as metav1.Time has it: RFC 3339, UTC, whole seconds."""
    return _second(int(time.time()))


def now_micro() -> str:
    """The present time as metav1.MicroTime has it (Leases): RFC 3339 with microseconds."""
    return datetime.now(UTC).strftime(_MICRO_TIME)


def format_time(epoch: float) -> str:
    """Seconds since the epoch as metav1.Time."""
    return _second(math.floor(epoch))


@lru_cache(maxsize=16)  # a burst of pods asks for the same second ten thousand times
def _second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime(_TIME)


def parse_time(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time; raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} is no RFC 3339 time: it has no offset from UTC")
    return moment.timestamp()


def condition(obj: Mapping[str, Any], type_: str) -> Obj | None:
    """The condition of that type in `status.conditions`."""
    for one in (obj.get("status") or {}).get("conditions") or ():
        if one.get("type") == type_:
            return one  # type: ignore[no-any-return]
    return None


def is_condition_true(obj: Mapping[str, Any], type_: str) -> bool:
    found = condition(obj, type_)
    return found is not None and found.get("status") == "True"


def set_condition(
    conditions: Iterable[Obj],
    type_: str,
    status: str,
    reason: str = "",
    message: str = "",
    **more: Any,
) -> list[Obj]:
    """The list with that condition set; its place is kept, a new one goes to the end.

    `lastTransitionTime` changes only when the status flips, which is what Kubernetes promises to
    those who measure how long a condition has held. `more` goes in as it is (lastProbeTime,
    lastUpdateTime, …).
    """
    present = list(conditions)
    old = next((one for one in present if one.get("type") == type_), None)
    flipped = old is None or old.get("status") != status
    new: Obj = {"type": type_, "status": status, **more}
    new["lastTransitionTime"] = now() if flipped or old is None else old.get("lastTransitionTime")
    if reason:
        new["reason"] = reason
    if message:
        new["message"] = message
    if old is None:
        return [*present, new]
    return [new if one is old else one for one in present]


def copy(obj: Obj) -> Obj:
    """A copy that shares nothing with `obj`, by way of JSON: eight times as fast as deepcopy."""
    duplicate: Obj = msgspec.json.decode(msgspec.json.encode(obj))
    return duplicate


def without_nulls(value: Any) -> Any:
    """The value without members that are null: in the API null means absent.

    Clients send `creationTimestamp: null` and the like. Whatever holds no null is returned as it
    is, not copied. Nulls that are items of a list stay, so that validation can name them.
    """
    return _without_nulls(value) if _may_have_null(value) else value


def _may_have_null(value: Any) -> bool:
    """Encoding takes a fifth of the time of looking at each member."""
    try:
        return b"null" in msgspec.json.encode(value)
    except (OverflowError, UnicodeEncodeError, RecursionError):  # what JSON cannot hold
        return True


def _without_nulls(value: Any) -> Any:
    if type(value) is dict:
        return _dict_without_nulls(value)
    if type(value) is list:
        kept = [_without_nulls(item) if type(item) in _CONTAINERS else item for item in value]
        changed = any(new is not old for new, old in zip(kept, value, strict=True))
        return kept if changed else value
    return value


_CONTAINERS = (dict, list)


def _dict_without_nulls(value: Obj) -> Obj:
    result: Obj | None = None
    for field, old in value.items():
        if type(old) in _CONTAINERS:
            new = _without_nulls(old)
            if new is old:
                continue
            result = dict(value) if result is None else result
            result[field] = new
        elif old is None:
            result = dict(value) if result is None else result
            del result[field]
    return value if result is None else result


def is_deeper_than(value: Any, limit: int) -> bool:
    """Whether lists and mappings are nested deeper than `limit`; asks without recursion."""
    level = [value]
    for _ in range(limit + 1):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return False
    return True


def has_longer_name(value: Any, limit: int) -> bool:
    """Whether the name of any member, at any depth, has more than `limit` characters."""
    level = [value]
    while level:
        for one in level:
            if type(one) is dict and any(len(name) > limit for name in one):
                return True
        level = [inner for outer in level for inner in _children(outer)]
    return False


def _children(value: Any) -> Iterable[Any]:
    if type(value) is dict:
        return value.values()
    return value if type(value) is list else ()
