"""The hash of a pod template, from which ReplicaSets get their names and `pod-template-hash`.

FNV-32a as in the Deployment controller. The bytes that go in are this project's own (JSON with
sorted keys instead of Go's dump of a struct), so values differ from those of another cluster, and
only there: they are equal for equal templates, on every machine and in every run.
"""

import json
from collections.abc import Mapping
from typing import Any

_OFFSET = 0x811C9DC5  # FNV offset basis and prime for 32 bits (RFC 9923)
_PRIME = 0x01000193
_MASK = 0xFFFFFFFF
# Without vowels and 0, 1, 3, so that no hash spells a word (apimachinery's util/rand).
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def fnv32a(data: bytes, start: int = _OFFSET) -> int:
    """The 32-bit FNV-1a hash; `start` goes on from an earlier one."""
    value = start
    for byte in data:
        value = ((value ^ byte) * _PRIME) & _MASK
    return value


def safe_encode(text: str) -> str:
    """Every character of `text` mapped into an alphabet that is safe in names."""
    return "".join(_ALPHABET[ord(character) % len(_ALPHABET)] for character in text)


def pod_template_hash(template: Mapping[str, Any], collision_count: int | None = None) -> str:
    """The hash of a pod template, at most ten characters; `collision_count` makes it another one.

    The Deployment controller raises `status.collisionCount` when the name is taken.
    """
    value = fnv32a(_canonical(template))
    if collision_count is not None:
        value = fnv32a(collision_count.to_bytes(8, "little"), value)
    return safe_encode(str(value))


def _canonical(template: Mapping[str, Any]) -> bytes:
    return json.dumps(template, sort_keys=True, separators=(",", ":")).encode()
