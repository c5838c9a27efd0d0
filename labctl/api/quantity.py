"""Resource quantities: `100m`, `1.5Gi`, `2e3`, as k8s.io/apimachinery/pkg/api/resource reads them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_UP, Decimal
from functools import lru_cache
from typing import Final, Self

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([A-Za-z]*|[eE][+-]?[0-9]+)")
MAX_LENGTH = 64  # bounds the work of reading one
_MAX_POWER = 99  # two digits, as the schema has it
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_MULTIPLIER = {
    **{suffix: Decimal(1024) ** power for suffix, power in _BINARY.items()},
    **{suffix: Decimal(10) ** power for suffix, power in _DECIMAL.items()},
}
_SMALLEST, _LARGEST = -9, 18  # powers of ten that have a suffix
_EXACT: Final = Decimal(1).scaleb(_SMALLEST)
_MOST: Final = Decimal(2**63 - 1)
FORMAT_ERROR = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


def parse_quantity(text: str | float) -> Decimal:
    """The number that a quantity stands for, exactly; ValueError when it is none.

    Manifests may have a plain number where a quantity is wanted (`cpu: 2`).
    """
    if isinstance(text, bool):
        raise ValueError(FORMAT_ERROR)  # noqa: TRY004  True is an int to Python
    return _parsed(text) if isinstance(text, str) else _representable(Decimal(str(text)))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Decimal:
    match = _QUANTITY.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise ValueError(FORMAT_ERROR)
    number, suffix = match.groups()
    if suffix in _MULTIPLIER:
        return _representable(Decimal(number) * _MULTIPLIER[suffix])
    if suffix[0] in "eE" and len(suffix) > 1 and suffix[-1].isdigit():
        return _representable(_exponent(number, int(suffix[1:])))
    raise ValueError(FORMAT_ERROR)


def _representable(value: Decimal) -> Decimal:
    """As Kubernetes keeps it: no more than an int64 holds, and rounded up to a whole 1n."""
    capped = max(-_MOST, min(value, _MOST))
    return capped.quantize(_EXACT, ROUND_UP) if capped % _EXACT else capped


def _exponent(number: str, power: int) -> Decimal:
    if abs(power) > _MAX_POWER:
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


_SUFFIXES: Final = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY_SUFFIXES: Final = ("", *_BINARY)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount, and whether it is written in powers of 1024 (`Mi`) or of 1000 (`M`)."""

    value: Decimal = Decimal(0)
    binary: bool = False

    @classmethod
    def of(cls, text: str | float) -> Self:
        """Raises ValueError for what is no quantity."""
        return cls(parse_quantity(text), str(text).endswith("i"))

    @classmethod
    def total(cls, texts: Iterable[str | float]) -> "Quantity":
        return sum(map(cls.of, texts), cls())

    def __add__(self, other: "Quantity") -> "Quantity":
        """Written as the first of the two; zero has no way of its own."""
        binary = self.binary if self.value else other.binary
        return Quantity(self.value + other.value, binary)

    def __sub__(self, other: "Quantity") -> "Quantity":
        return self + Quantity(-other.value, other.binary)

    def __str__(self) -> str:
        """The shortest form without a fraction, which is how Kubernetes writes quantities."""
        if self.binary and abs(self.value) >= 1024:
            return _binary_text(int(self.value.to_integral_value(ROUND_CEILING)))
        return _decimal_text(self.value.normalize())


def _binary_text(number: int) -> str:
    power = 0
    while number % 1024 == 0 and power + 1 < len(_BINARY_SUFFIXES):
        number, power = number // 1024, power + 1
    return f"{number}{_BINARY_SUFFIXES[power]}"


def _decimal_text(value: Decimal) -> str:
    if not value:
        return "0"
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # no quantity is infinite
    power = min(exponent // 3 * 3, _LARGEST)
    return f"{int(value.scaleb(-power))}{_SUFFIXES[power]}"
