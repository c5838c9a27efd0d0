"""Merge patch (RFC 7386): objects are merged, null removes, everything else replaces."""

from typing import Any

from labctl.api.objects import Obj


def merge_patch(target: Any, patch: Any) -> Any:
    """The target with the patch merged into it; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result: Obj = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def merge_diff(old: Obj, new: Obj) -> Obj:
    """The patch that makes `new` of `old`; `new` must hold no nulls, which a patch cannot set."""
    patch: Obj = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if key in old and before == value:
            continue
        both = isinstance(before, dict) and isinstance(value, dict)
        patch[key] = merge_diff(before or {}, value) if both else value
    return patch
