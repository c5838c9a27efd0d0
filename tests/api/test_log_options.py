"""What one may ask of a log, and what one is told who asks for nonsense."""

import pytest

from labctl.api.log_options import LogOptions
from labctl.errors import StatusError

NOW = 1_700_000_002.0  # 2023-11-14T22:13:22Z


def test_every_wish_is_read() -> None:
    words = {
        "follow": "True",
        "previous": "1",
        "timestamps": "true",
        "tailLines": "0",
        "limitBytes": "10",
    }
    assert LogOptions.of(words, "web", NOW) == LogOptions(
        follow=True, previous=True, timestamps=True, tail_lines=0, limit_bytes=10
    )
    assert LogOptions.of({"follow": "false"}, "web", NOW) == LogOptions()


def test_a_moment_is_given_in_seconds_or_as_a_time() -> None:
    for words in ({"sinceSeconds": "2"}, {"sinceTime": "2023-11-14T23:13:20+01:00"}):
        assert LogOptions.of(words, "web", NOW).since == "2023-11-14T22:13:20.000000000Z"
    assert LogOptions.of({"sinceSeconds": str(2**63 - 1)}, "web", NOW).since.startswith("1970-")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ({"tailLines": "-1"}, 422, 'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: '),
        ({"tailLines": "-1"}, 422, "must be greater than or equal to 0"),
        ({"limitBytes": "0"}, 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "0"}, 422, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": "1", "sinceTime": "2023-11-14T22:13:20Z"}, 422,
         "at most one of `sinceTime` or `sinceSeconds` may be specified"),
        ({"tailLines": "x"}, 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ({"tailLines": "9" * 5000}, 400, "value out of range"),
        ({"sinceTime": "now"}, 400, 'parsing time "now" as "2006-01-02T15:04:05Z07:00"'),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_kubernetes_words(
    words: dict[str, str], code: int, message: str
) -> None:
    with pytest.raises(StatusError) as refused:
        LogOptions.of(words, "web", NOW)
    assert refused.value.code == code
    assert message in refused.value.message
