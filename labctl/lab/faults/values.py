"""What is typed after loss, rate and delay, as tc(8) has it: 10%, 10mbit, 50ms; `none` for no fault."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from labctl.api.fields import FieldError, Path

KINDS = ("loss", "rate", "delay")
NONE = "none"

_RATES: Mapping[str, int] = MappingProxyType(
    {"gbit": 10**9, "mbit": 10**6, "kbit": 10**3, "bit": 1}
)
_TIMES: Mapping[str, float] = MappingProxyType({"s": 1.0, "ms": 1e-3, "us": 1e-6})
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z%]*)")
_LEAST_LOSS = 1e-6  # nftables rolls a die of a million sides
_RATE_LIMITS = (1_000, 100 * 10**9)
_LONGEST_DELAY = 60.0


def parse(fault: str, text: str, path: Path) -> float:
    """The number behind `text`: a part of 1, bits a second, seconds; 0 for none.

    Raises FieldError (a BadInput) at `path`.
    """
    wanted = text.strip().lower()
    if wanted == NONE:
        return 0
    number, unit = _split(fault, wanted, path)
    if fault == "loss":
        return _loss(number, unit, text, path)
    if fault == "rate":
        return _rate(number, unit, text, path)
    return _delay(number, unit, text, path)


def printed(fault: str, value: float) -> str:
    """The shortest text that `parse` reads as that value."""
    if not value:
        return NONE
    if fault == "loss":
        return f"{value * 100:.10g}%"
    if fault == "rate":
        unit, size = next((u, s) for u, s in _RATES.items() if value % s == 0)
        return f"{int(value) // size}{unit}"
    unit, seconds = next(((u, s) for u, s in _TIMES.items() if value >= s), ("us", 1e-6))
    return f"{value / seconds:.10g}{unit}"


_EXAMPLES = {"loss": "10%", "rate": "10mbit", "delay": "50ms"}


def _split(fault: str, text: str, path: Path) -> tuple[float, str]:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise _wrong(fault, text, path)
    return float(found[1]), found[2]


def _wrong(fault: str, text: str, path: Path) -> FieldError:
    hint = f"for example {_EXAMPLES[fault]}, or {NONE}"
    return FieldError(path, f"{text!r} cannot be read as a {fault}", hint)


def _loss(number: float, unit: str, text: str, path: Path) -> float:
    if unit not in ("", "%"):
        raise _wrong("loss", text, path)
    loss = number / 100
    if loss > 1 or 0 < loss < _LEAST_LOSS:
        raise FieldError(path, f"{text}: must be 0% or {_LEAST_LOSS * 100:.4f}% to 100%")
    return loss


def _rate(number: float, unit: str, text: str, path: Path) -> float:
    if unit not in _RATES:
        raise _wrong("rate", text, path)
    rate, (least, most) = round(number * _RATES[unit]), _RATE_LIMITS
    if not least <= rate <= most:
        raise FieldError(path, f"{text}: must be 1kbit to 100gbit", f"or {NONE}, for no limit")
    return rate


def _delay(number: float, unit: str, text: str, path: Path) -> float:
    if unit not in _TIMES and number:
        raise _wrong("delay", text, path)
    delay = number * _TIMES.get(unit, 0.0)
    if delay > _LONGEST_DELAY:
        raise FieldError(path, f"{text}: must be {_LONGEST_DELAY:g}s at most")
    return delay
