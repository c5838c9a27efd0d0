"""Bodies that are JSON and yet nothing that a server should go into."""

import pytest

from labctl.api.kinds.core import CONFIGMAPS
from labctl.apiserver.decoding import MAX_DEPTH, decode_json, of_kind
from labctl.errors import StatusError


def nested(depth: int) -> bytes:
    return b'{"data":' * depth + b"{}" + b"}" * depth


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 600, 5000, 100_000])
def test_a_body_nested_too_deeply_is_a_bad_request(depth: int) -> None:
    with pytest.raises(StatusError) as caught:
        decode_json(nested(depth))
    assert caught.value.code == 400


def test_a_body_nested_deeply_enough_for_anyone_is_read() -> None:
    assert of_kind(CONFIGMAPS, decode_json(nested(100)))["kind"] == "ConfigMap"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'"\\ud800"', b"nul", b"[1,]", b"NaN"])
def test_what_is_no_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(StatusError) as caught:
        decode_json(body)
    assert caught.value.code == 400
