"""What is typed after loss, rate and delay: read, refused with the field, and printed again."""

import pytest

from labctl.api.fields import FieldError
from labctl.lab.faults.values import parse, printed


@pytest.mark.parametrize(
    ("fault", "text", "value", "canonical"),
    [
        ("loss", "10%", 0.1, "10%"),
        ("loss", "10", 0.1, "10%"),
        ("loss", "0.5 %", 0.005, "0.5%"),
        ("loss", "100%", 1.0, "100%"),
        ("loss", "0.0001%", 1e-6, "0.0001%"),
        ("loss", "0", 0.0, "none"),
        ("rate", "10mbit", 10e6, "10mbit"),
        ("rate", "1.5Mbit", 1.5e6, "1500kbit"),
        ("rate", "1gbit", 1e9, "1gbit"),
        ("rate", "1001bit", 1001, "1001bit"),
        ("delay", "50ms", 0.05, "50ms"),
        ("delay", "1s", 1.0, "1s"),
        ("delay", "1.5s", 1.5, "1.5s"),
        ("delay", "200us", 0.0002, "200us"),
        ("delay", "0", 0.0, "none"),
        ("rate", "none", 0.0, "none"),
    ],
)
def test_a_value_is_read_and_printed(fault: str, text: str, value: float, canonical: str) -> None:
    assert parse(fault, text, ("VALUE",)) == pytest.approx(value)
    assert printed(fault, parse(fault, text, ("VALUE",))) == canonical
    assert parse(fault, canonical, ()) == pytest.approx(value)


@pytest.mark.parametrize(
    ("fault", "text", "said"),
    [
        ("loss", "", "'' cannot be read as a loss"),
        ("loss", "x%", "'x%' cannot be read as a loss"),
        ("loss", "10ms", "'10ms' cannot be read as a loss"),
        ("loss", "-5%", "'-5%' cannot be read as a loss"),
        ("loss", "101%", "101%: must be 0% or 0.0001% to 100%"),
        ("loss", "0.00001%", "must be 0% or"),
        ("loss", "1e3%", "cannot be read"),
        ("loss", "nan", "cannot be read"),
        ("rate", "10", "'10' cannot be read as a rate"),
        ("rate", "10mbps", "cannot be read"),  # to tc(8), megabytes
        ("rate", "0mbit", "must be 1kbit to 100gbit"),
        ("rate", "1tbit", "cannot be read"),
        ("rate", "101gbit", "must be 1kbit to 100gbit"),
        ("delay", "50", "'50' cannot be read as a delay"),  # to tc(8), microseconds
        ("delay", "2m", "cannot be read"),
        ("delay", "61s", "61s: must be 60s at most"),
    ],
)
def test_a_bad_value_is_refused_with_its_field(fault: str, text: str, said: str) -> None:
    with pytest.raises(FieldError) as refused:
        parse(fault, text, ("VALUE",))
    assert refused.value.message.startswith("VALUE: ")
    assert said in refused.value.message
