"""Readers of single fields of a Lab: each returns the value, or raises an error with its path."""

import difflib
import re
from ipaddress import IPv4Network
from typing import Any

from labctl.api.causes import type_name
from labctl.api.fields import FieldError, Path, unknown_field
from labctl.api.objects import Obj

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
MAX_LABEL = 63  # RFC 1123
LABEL_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def members(value: Any, path: Path, known: tuple[str, ...]) -> Obj:
    """The mapping at `path` (an absent one is empty), refusing fields that do not exist."""
    if value is None and path:
        return {}
    if not isinstance(value, dict):
        raise FieldError(path, f"must be a mapping, not {type_name(value)}")
    for key in value:
        if key not in known:
            raise unknown_field((*path, str(key)), known)
    return value


def label(value: Any, path: Path, most: int = MAX_LABEL) -> str:
    """A DNS label; a wrong one is told that it may have `most` characters."""
    text = string(value, path)
    if not LABEL.fullmatch(text) or len(text) > MAX_LABEL:
        raise FieldError(
            path,
            f"{text[:80]!r} is not a DNS label",
            f"use at most {most} lower-case letters, digits and '-', "
            "with a letter or digit at both ends",
        )
    return text


def string(value: Any, path: Path) -> str:
    if not isinstance(value, str):
        raise FieldError(path, f"must be a string, not {type_name(value)}")
    return value


def boolean(value: Any, path: Path) -> bool:
    if not isinstance(value, bool):
        raise FieldError(path, f"must be true or false, not {type_name(value)}")
    return value


def integer(value: Any, path: Path, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise FieldError(path, f"must be an integer, not {type_name(value)}")
    if not low <= value <= high:
        raise FieldError(path, f"{value} is not between {low} and {high}")
    return value


def seconds(value: Any, path: Path, low: float, high: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise FieldError(path, f"must be a number of seconds, not {type_name(value)}")
    if not low <= value <= high:  # not-a-number fails here too
        raise FieldError(path, f"{value} is not between {low:g} and {high:g} seconds")
    return value


def choice(value: Any, path: Path, choices: tuple[str, ...]) -> str:
    text = string(value, path)
    if text not in choices:
        near = difflib.get_close_matches(text, choices, n=1)
        hint = f"did you mean {near[0]}?" if near else ""
        raise FieldError(path, f"{text!r} is not one of {', '.join(choices)}", hint)
    return text


def matching(value: Any, path: Path, pattern: re.Pattern[str], what: str) -> str:
    text = string(value, path)
    if not pattern.fullmatch(text):
        raise FieldError(path, f"{text[:80]!r} cannot be {what}")
    return text


def cidr(value: Any, path: Path) -> str:
    text = string(value, path)
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        raise FieldError(
            path, f"{text[:80]!r} is not an IPv4 network such as 10.244.0.0/16"
        ) from None
    if "/" not in text or str(network) != text:
        raise FieldError(
            path, f"{text!r} is not the network's own form", f"did you mean {network}?"
        )
    if network.is_multicast or network.is_loopback or network.is_link_local:
        raise FieldError(path, f"{text} cannot be used for hosts")
    return text
