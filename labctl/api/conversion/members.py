"""Members of an object under other names."""

from collections.abc import Mapping

from labctl.api.objects import Obj


def renamed(obj: Obj, names: Mapping[str, str]) -> Obj:
    """The object with members named anew; those that are not in `names` stay."""
    return {names.get(name, name): value for name, value in obj.items()}


def only(**members: object) -> Obj:
    """An object of those members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
