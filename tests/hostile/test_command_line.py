"""Bad files and words on the command line: one line that says what and where, and nothing changes."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from labctl.api.fields import FieldError
from labctl.api.lab import LabSpec, lab_object, parse_lab
from labctl.errors import BadInput
from labctl.lab.reading import read_text
from tests.command import PROGRAM
from tests.hostile.requests import hurt

NO_LAB = f"none{os.getpid()}"
_LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(12)
)
FILES = {
    "nothing": b"",
    "every byte": bytes(range(256)) * 10,
    "NULs": bytes(1000),
    "UTF-16": "kind: Pod".encode("utf-16"),
    "a tab": b"kind:\n\tPod",
    "a key twice": b"kind: Pod\nkind: Pod",
    "laughs": _LAUGHS,
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 100_000,
    "a list of 50,000": b"- a\n" * 50_000,
    "100 MB": b"a: " + b"x" * 100_000_000,
    "20,000 documents": b"---\na: b\n" * 20_000,
    "a program": b'!!python/object/apply:os.system ["touch /tmp/labctl-was-here"]',
    "itself": b"&a [*a]",
    "YAML 9": b"%YAML 9.9\n---\na: b",
    "a number": b"7",
    "a kind that is a list": b"kind: [Pod]\napiVersion: v1",
    "metadata that are text": b"kind: Pod\napiVersion: v1\nmetadata: x",
    "a name that is a number": b"kind: Pod\napiVersion: v1\nmetadata: {name: 7}",
    "a List of numbers": b"kind: List\napiVersion: v1\nitems: [7]",
    "half a character": b'{"kind": "\\ud800", "apiVersion": "v1"}',
    "colours": b'kind: "\\e[31m"\napiVersion: v1',
}


def run(*words: str | bytes, stdin: bytes = b"") -> tuple[int, list[str]]:
    """The exit code, and what was said on stderr."""
    environment = {**os.environ, "LABCTL_LAB": NO_LAB}
    done = subprocess.run(
        [str(PROGRAM), *words],
        input=stdin,
        capture_output=True,
        env=environment,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr.decode().splitlines()


@pytest.mark.parametrize("verb", [("apply", "-f", "-"), ("up", "-")], ids=lambda words: words[0])
@pytest.mark.parametrize("what", FILES)
def test_a_bad_file_is_one_line(verb: tuple[str, ...], what: str) -> None:
    code, said = run(*verb, stdin=FILES[what])
    assert code == 2
    assert said[0].startswith("error: ")
    assert len(said) == 1 or (len(said) == 2 and said[1].startswith("hint: "))
    assert "\x1b" not in "".join(said)
    assert len(said[0]) < 1000
    assert not Path("/tmp/labctl-was-here").exists()
    assert not Path("/var/lib/labctl", NO_LAB).exists()


@pytest.mark.parametrize(
    "words",
    [
        ("up", "/dev/zero"),
        ("apply", "-f", "/dev/zero"),
        ("scenario", "run", "/dev/zero"),
        ("create", "configmap", "a", "--from-file", "/dev/zero"),
        ("up", "/"),
        ("up", "--nodes", "9" * 5000),
        ("down", "--lab", "../x"),
        ("status", "--lab", "a/b"),
        ("image", "load", "/etc/passwd"),
    ],
    ids=lambda words: " ".join(words)[:30],
)
def test_bad_words_are_one_line(words: tuple[str, ...]) -> None:
    code, said = run(*words)
    assert code in {2, 3}
    assert said[0].startswith("error: ")
    assert len(said) <= 2


def test_what_is_no_text_is_no_name(attacked: Any) -> None:
    result = attacked.labctl("get", "pods", "\udc80")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1


def test_a_file_without_an_end_is_not_read_to_it() -> None:
    with pytest.raises(BadInput, match="too large"):
        read_text(Path("/dev/zero"))


GOOD: dict[str, Any] = {
    "apiVersion": "labctl.io/v1alpha1",
    "kind": "Lab",
    "metadata": {"name": "good"},
    "spec": {
        "nodes": [
            {"name": "a", "labels": {"x": "y"}, "taints": [{"key": "a", "effect": "NoSchedule"}]},
            {"name": "b"},
        ],
        "network": {
            "backend": "vxlan",
            "podCIDR": "10.244.0.0/16",
            "serviceCIDR": "10.96.0.0/16",
            "mtu": 1500,
            "healing": True,
        },
        "times": {"graceSeconds": 40, "evictionSeconds": 300},
        "store": {"engine": "etcd", "endpoints": ["http://127.0.0.1:2379"]},
    },
}


@settings(max_examples=500)
@given(hurt(GOOD))
def test_a_lab_with_wounds_is_good_or_its_field_is_named(obj: Any) -> None:
    read = _read(obj)
    if isinstance(read, LabSpec):
        assert parse_lab(lab_object(read)) == read
    else:
        assert read.path
        assert "\n" not in read.message
        assert len(read.message) < 2000


def _read(obj: Any) -> LabSpec | FieldError:
    try:
        return parse_lab(obj)
    except FieldError as error:
        return error
