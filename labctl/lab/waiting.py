"""What `wait --for` waits for, from its text to a wish that can be asked of an object."""

import re
from collections.abc import Callable

from labctl.api import jsonpath
from labctl.api.objects import Obj, condition
from labctl.errors import BadInput

Wish = Callable[[Obj | None], bool]

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def wish(text: str) -> Wish:
    """The wish of `condition=NAME[=VALUE]`, `jsonpath=PATH[=VALUE]`, `delete` or `create`.

    An object that is not there fulfils only `delete`. Raises BadInput for anything else.
    """
    kind, _, rest = text.partition("=")
    if kind == "delete":
        return lambda obj: obj is None
    if kind == "create":
        return lambda obj: obj is not None
    if kind == "condition" and rest:
        return _condition_wish(rest)
    if kind == "jsonpath" and rest:
        return _jsonpath_wish(rest)
    raise BadInput(
        f"--for {text}: cannot be waited for",
        "condition=NAME[=VALUE], jsonpath=PATH[=VALUE], delete or create",
    )


def _condition_wish(text: str) -> Wish:
    kind, _, value = text.partition("=")
    wanted = value or "True"

    def holds(obj: Obj | None) -> bool:
        found = _condition(obj, kind) if obj is not None else None
        return found is not None and str(found.get("status")).lower() == wanted.lower()

    return holds


def _condition(obj: Obj, kind: str) -> Obj | None:
    """The condition, whose name may be written as one likes; None when it is of an older spec."""
    generation = obj["metadata"].get("generation", 0)
    observed = (obj.get("status") or {}).get("observedGeneration", generation)
    if observed < generation:
        return None
    for one in (obj.get("status") or {}).get("conditions") or ():
        if one.get("type", "").lower() == kind.lower():
            return condition(obj, one["type"])
    return None


def _jsonpath_wish(text: str) -> Wish:
    path, value = _split(text)
    steps = jsonpath.parse(path)

    def holds(obj: Obj | None) -> bool:
        found = jsonpath.walk(steps, obj) if obj is not None else []
        if value is None:
            return bool(found)
        return bool(found) and all(jsonpath.printed(one) == value for one in found)

    return holds


def _split(text: str) -> tuple[str, str | None]:
    """`{.a.b}=c`, `.a.b=c`, or a path alone; quotes around the value do not count."""
    text = text.strip().replace("'{", "{", 1).replace("}'", "}", 1)  # quotes that no shell took
    if text.startswith("{"):
        end = text.rfind("}")
        if end < 0:
            raise BadInput(f"--for jsonpath={text}: the closing brace is missing")
        path, rest = text[1:end].strip(), text[end + 1 :]
        value = rest.removeprefix("=") if rest.startswith("=") else None
    else:
        path, equals, right = text.partition("=")
        value = right if equals else None
    return path, value.strip("'\"") if value is not None else None


def duration(text: str) -> float:
    """Seconds of `30s`, `2m`, `1h30m`, `90`; BadInput for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if not text.strip() or match is None:
        raise BadInput(f"{text!r} is no time", "for example 30s or 2m")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
