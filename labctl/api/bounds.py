"""How much one object may hold: what a value costs in this process is what others wait for.

Kubernetes bounds a body by its bytes, and its servers have cores enough for the millions of values
that fit in there. Here one process answers everybody, one after another, at some microseconds a value
for all the steps of the chain; so what is bounded is their number.
"""

from labctl.api import status
from labctl.errors import StatusError

MAX_VALUES = 50_000  # a tenth of a second's work; large CustomResourceDefinitions have 20,000


def check_values(text: bytes) -> None:
    """Raises 413 for JSON of more values than that; what is no JSON is counted as if it were."""
    if len(text) > MAX_VALUES and count_values(text) > MAX_VALUES:
        raise too_many_values()


def too_many_values() -> StatusError:
    return status.too_large(f"Request entity too large: limit is {MAX_VALUES} values")


def count_values(text: bytes) -> int:
    """How many values JSON holds; a few too many where that does not matter."""
    # Each value but the first comes after one of these: usually that settles it, in microseconds.
    count = _marks(text)
    return count if count <= MAX_VALUES else _marks(_bare(text))


def _marks(text: bytes) -> int:
    return text.count(b",") + text.count(b"{") + text.count(b"[")


def _bare(text: bytes) -> bytes:
    """JSON without what stands in its strings."""
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(plain.split(b'"')[::2])
