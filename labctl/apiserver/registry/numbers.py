"""The numbers of a query, as Go reads them: int() knows the digits of all scripts, and 1_000."""

import re
from collections.abc import Mapping

from labctl.api import causes, status

_UNSIGNED = re.compile("[0-9]{1,19}")
_SIGNED = re.compile("[+-]?[0-9]{1,18}")


def parse_version(query: Mapping[str, str]) -> int | None:
    """The resourceVersion that a query names, None if it names none; raises 400."""
    text = query.get("resourceVersion", "")
    if not text:
        return None
    if not _UNSIGNED.fullmatch(text):
        shown = causes.cut(text)
        raise status.bad_request(
            f'resourceVersion: Invalid value: "{shown}": strconv.ParseUint: parsing "{shown}": '
            "invalid syntax"
        )
    return int(text)


def parse_number(query: Mapping[str, str], name: str) -> int:
    """An integer of a query, 0 if it is not there; raises 400."""
    text = query.get(name) or "0"
    if not _SIGNED.fullmatch(text):
        shown = causes.cut(text)
        raise status.bad_request(f'{name}: strconv.ParseInt: parsing "{shown}": invalid syntax')
    return int(text)
