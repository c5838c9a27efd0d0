"""What of a status is news: the strategic merge patch from one status to the next.

Lists with a merge key are patched by member, so that a condition that somebody else set meanwhile
survives.
"""

from typing import Any

from labctl.api.objects import Obj

# By what the API merges the lists in the status of Pods and Nodes.
_MERGE_KEYS = {"conditions": "type", "podIPs": "ip", "hostIPs": "ip", "addresses": "type"}


def status_patch(told: Obj, status: Obj) -> Obj | None:
    """The strategic merge patch that turns the status `told` into `status`; None for no news.

    Lists with a merge key are patched by member, so that a condition which somebody else set
    meanwhile survives.
    """
    patch: Obj = {}
    for field in told.keys() | status.keys():
        old, new = told.get(field), status.get(field)
        if old != new:
            patch[field] = _news(field, old, new)
    return {key: patch[key] for key in sorted(patch)} or None


def _news(field: str, old: Any, new: Any) -> Any:
    merge_key = _MERGE_KEYS.get(field)
    if merge_key is None or not old:
        return new
    fresh = new or []
    present = {item[merge_key] for item in fresh}
    gone = [item[merge_key] for item in old if item[merge_key] not in present]
    changed = [item for item in fresh if item not in old]
    return [*changed, *({"$patch": "delete", merge_key: value} for value in gone)]
