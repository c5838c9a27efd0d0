"""API objects without what is nobody's business: pure.

Gone are the data of Secrets, the values of environment variables (people put passwords there) and
of probes' HTTP headers, also where `apply` noted the whole object in an annotation. The commands of
containers stay: a lab cannot be understood without them.
"""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from labctl.api.objects import Obj
from labctl.api.patches import LAST_APPLIED

_SECRET_FIELDS = ("data", "stringData")
_NAMED_VALUES = ("env", "httpHeaders")  # lists of {name, value}


def redacted(obj: Obj) -> Obj:
    """The object, or list of objects, without secrets."""
    found: Obj = _without_values(obj)
    if obj.get("kind") == "Secret":
        for field in _SECRET_FIELDS:
            if isinstance(obj.get(field), dict):
                found[field] = {key: _hidden(value) for key, value in obj[field].items()}
    return found


def secret_values(secret: Obj) -> Iterator[bytes]:
    """What a Secret keeps, in clear."""
    for value in (secret.get("data") or {}).values():
        yield b64decode(value)


def _without_values(value: Any, field: str = "") -> Any:
    if isinstance(value, list):
        return [
            _without_value(one) if field in _NAMED_VALUES else _without_values(one) for one in value
        ]
    if not isinstance(value, dict):
        return value
    return {
        key: _reapplied(one) if key == LAST_APPLIED else _without_values(one, key)
        for key, one in value.items()
    }


def _without_value(named: Any) -> Any:
    if isinstance(named, dict) and named.get("value"):
        return {**named, "value": _hidden(named["value"])}
    return named


def _reapplied(annotation: Any) -> str:
    """The text of a whole object in an annotation."""
    try:
        return json.dumps(redacted(json.loads(annotation)))
    except (ValueError, TypeError, AttributeError):
        return _hidden(annotation)


def _hidden(value: Any) -> str:
    return f"REDACTED ({len(str(value))} characters)"
