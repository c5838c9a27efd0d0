"""What never gets into a support bundle: secrets in objects, and in texts of any kind."""

import json
from base64 import b64encode
from typing import Any

import pytest

from labctl.api.patches import LAST_APPLIED
from labctl.lab.bundle.redaction import redacted, secret_values
from labctl.lab.bundle.scrubbing import scrubber

_WORD = "correct horse"
_ENV = {"name": "PASSWORD", "value": _WORD}
_HIDDEN = "REDACTED (13 characters)"


def secret(**more: Any) -> dict[str, Any]:
    data = {"word": b64encode(_WORD.encode()).decode()}
    return {"kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque", "data": data, **more}


def test_a_secret_keeps_its_keys_and_loses_its_values() -> None:
    shown = redacted(secret(stringData={"other": _WORD}))
    assert shown["data"] == {"word": "REDACTED (20 characters)"}
    assert shown["stringData"] == {"other": _HIDDEN}
    assert shown["type"] == "Opaque"
    assert list(secret_values(secret())) == [_WORD.encode()]
    assert redacted({"kind": "Secret", "data": None}) == {"kind": "Secret", "data": None}


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "Anything"])
def test_values_of_variables_and_headers_go_wherever_they_are(kind: str) -> None:
    reference = {"name": "OTHER", "valueFrom": {"secretKeyRef": {"name": "s", "key": "word"}}}
    container = {
        "name": "c",
        "command": ["run"],
        "env": [_ENV, reference, {"name": "EMPTY"}],
        "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": _WORD}]}},
    }
    spec = {"template": {"spec": {"containers": [container]}}}
    obj = {"kind": kind, "spec": spec, "env": "no list"}
    shown = redacted(obj)
    assert obj["spec"] is spec
    (one,) = shown["spec"]["template"]["spec"]["containers"]
    assert one["env"] == [{**_ENV, "value": _HIDDEN}, reference, {"name": "EMPTY"}]
    assert one["command"] == ["run"]
    assert _WORD not in json.dumps(shown)


def test_neither_stays_in_what_apply_remembers() -> None:
    for text in (json.dumps(secret(stringData={"word": _WORD})), f"{{{_WORD}", f'["{_WORD}"]'):
        obj = {"kind": "Secret", "metadata": {"annotations": {LAST_APPLIED: text, "note": "kept"}}}
        shown = redacted(obj)
        assert shown["metadata"]["annotations"]["note"] == "kept"
        assert _WORD not in json.dumps(shown)


@pytest.mark.parametrize(
    "text",
    [
        b"run --password 'correct \"horse\"\n\xc3\xa4' now",
        b"run " + b64encode(b"'correct \"horse\"\n\xc3\xa4'"),
        json.dumps({"a": "x'correct \"horse\"\nä'y"}).encode(),
        json.dumps({"a": "x'correct \"horse\"\nä'y"}, ensure_ascii=False).encode(),
        b"Authorization: Bearer correct-horse-battery",
        b"token=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
        b"-----BEGIN EC PRIVATE KEY-----\ncorrect\nhorse\n-----END EC PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\ncorrect\nhorse",
    ],
)
def test_texts_lose_what_is_secret_in_every_form(text: bytes) -> None:
    clean = scrubber([b"'correct \"horse\"\n\xc3\xa4'", b"ab", b""])
    shown = clean(b"before ab " + text + b" after")
    assert shown.startswith(b"before ab ")
    assert b"REDACTED" in shown
    for word in (b"correct", b"horse", b"eyJ", b64encode(b"'correct")[:8]):
        assert word not in shown
