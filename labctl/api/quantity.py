"""Resource quantities: `100m`, `1.5Gi`, `2e3`, as k8s.io/apimachinery/pkg/api/resource reads them."""

import re
from decimal import Decimal
from functools import lru_cache

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([A-Za-z]*|[eE][+-]?[0-9]+)")
_MAX_LENGTH = 64  # bounds the work of reading one
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_MULTIPLIER = {
    **{suffix: Decimal(1024) ** power for suffix, power in _BINARY.items()},
    **{suffix: Decimal(10) ** power for suffix, power in _DECIMAL.items()},
}
FORMAT_ERROR = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


def parse_quantity(text: str | float) -> Decimal:
    """The number that a quantity stands for, exactly; ValueError when it is none.

    Manifests may have a plain number where a quantity is wanted (`cpu: 2`).
    """
    if isinstance(text, bool):
        raise ValueError(FORMAT_ERROR)  # noqa: TRY004  True is an int to Python
    return _parsed(str(text))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Decimal:
    match = _QUANTITY.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError(FORMAT_ERROR)
    number, suffix = match.groups()
    if suffix in _MULTIPLIER:
        return Decimal(number) * _MULTIPLIER[suffix]
    if suffix[0] in "eE" and len(suffix) > 1 and suffix[-1].isdigit():
        return _exponent(number, int(suffix[1:]))
    raise ValueError(FORMAT_ERROR)


def _exponent(number: str, power: int) -> Decimal:
    if abs(power) > _MAX_LENGTH:
        raise ValueError(FORMAT_ERROR)
    return Decimal(number).scaleb(power)


def milli(text: str | float) -> int:
    """The quantity in thousandths, rounded up: CPU as schedulers count it."""
    return _rounded_up(parse_quantity(text) * 1000)


def whole(text: str | float) -> int:
    """The quantity as an integer, rounded up: bytes, or a number of pods."""
    return _rounded_up(parse_quantity(text))


def _rounded_up(value: Decimal) -> int:
    floor = int(value // 1)
    return floor + 1 if value > floor else floor
