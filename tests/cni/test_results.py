"""What plugins answer, understood or refused."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.cni.config import Config
from labctl.cni.errors import CniError
from labctl.cni.results import (
    host_interfaces,
    pod_address,
    read_failure,
    read_result,
    read_versions,
)


def result(**members: object) -> bytes:
    return json.dumps({"cniVersion": "1.0.0", **members}).encode()


def test_a_result_is_passed_on_whole() -> None:
    found = read_result(result(ips=[{"address": "10.1.0.5/16"}], own={"a": 1}), "1.0.0")
    assert found == {"cniVersion": "1.0.0", "ips": [{"address": "10.1.0.5/16"}], "own": {"a": 1}}
    assert pod_address(found) == "10.1.0.5"


@pytest.mark.parametrize(
    ("version", "addresses"),
    [
        ("0.4.0", [{"address": "10.1.0.5/16", "version": "4"}, {"address": "fd00::5/64", "version": "6"}]),
        ("1.0.0", [{"address": "10.1.0.5/16"}, {"address": "fd00::5/64"}]),
    ],
)  # fmt: skip
def test_a_chain_speaks_one_version(version: str, addresses: list[Config]) -> None:
    mixed = [{"address": "10.1.0.5/16", "version": "4"}, {"address": "fd00::5/64"}]
    found = read_result(result(ips=mixed, cniVersion="0.3.1"), version)
    assert (found["cniVersion"], found["ips"]) == (version, addresses)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (b"", "it printed no result"),
        (b"  \n", "it printed no result"),
        (b"hello\xff", "it printed no JSON: 'hello\\\\xff'"),
        (b'{"ips": [', "it printed no JSON: "),
        (b"[" * 100_000, "it printed no JSON: "),
        (b"[1]", "it printed no JSON object: '[1]'"),
        (b'{"ips": "10.1.0.5"}', "ips of its result is no list of objects"),
        (b'{"ips": ["10.1.0.5"]}', "ips of its result is no list of objects"),
        (b'{"interfaces": {}}', "interfaces of its result is no list of objects"),
        (b'{"code": 7, "msg": "no"}', "it ended well, but with an error: no"),
    ],
)
def test_what_is_no_result_is_refused_with_what_was_said(output: bytes, said: str) -> None:
    with pytest.raises(CniError) as caught:
        read_result(output, "1.0.0")
    assert caught.value.message.startswith(said)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("ips", "said"),
    [
        ([], "its result has no IPv4 address"),
        ([{"address": "fd00::5/64"}], "its result has no IPv4 address"),
        ([{}], "'' of its result is no address"),
        ([{"address": "10.1.0"}], "'10.1.0' of its result is no address"),
    ],
)
def test_a_pod_needs_an_address(ips: list[Config], said: str) -> None:
    with pytest.raises(CniError) as caught:
        pod_address({"ips": ips})
    assert caught.value.message == said


def test_links_of_the_node_are_told_from_the_sandboxs_own() -> None:
    made = [{"name": "cni0"}, {"name": "veth1", "sandbox": ""}, {"name": "eth0", "sandbox": "/x"}]
    assert host_interfaces({"interfaces": made}) == {"cni0", "veth1"}
    assert host_interfaces({}) == set()


@pytest.mark.parametrize(
    ("code", "output", "complaints", "said", "number"),
    [
        (1, b'{"code": 100, "msg": "no more"}', b"log", "no more", 100),
        (1, b'{"code": 7, "msg": "bad", "details": "subnet"}', b"", "bad; subnet", 7),
        (1, b'{"code": 11}', b"", "error code 11", 11),
        (1, b'{"msg": "odd", "code": "x"}', b"", "odd", 0),
        (2, b"", b"", "exit code 2, and not a word why", 0),
        (2, b"", b"cannot open /x\n", "exit code 2: 'cannot open /x'", 0),
        (2, b"oops", b"", "exit code 2: 'oops'", 0),
        (2, b"{}", b"", "exit code 2: '{}'", 0),
        (-9, b"", b"", "signal 9, and not a word why", 0),
    ],
)
def test_a_failure_has_the_plugins_own_words(
    code: int, output: bytes, complaints: bytes, said: str, number: int
) -> None:
    error = read_failure(code, output, complaints)
    assert (error.message, error.code) == (said, number)


def test_versions() -> None:
    assert read_versions(b'{"supportedVersions": ["0.4.0", "1.0.0"]}') == ("0.4.0", "1.0.0")
    with pytest.raises(CniError, match="tells no supportedVersions"):
        read_versions(b"{}")


@given(st.binary())
def test_junk_is_an_error_and_nothing_else(junk: bytes) -> None:
    read_failure(1, junk, junk)
    for reader in (lambda: read_result(junk, "1.0.0"), lambda: read_versions(junk)):
        with contextlib.suppress(CniError):
            reader()


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))  # fmt: skip
def test_odd_members_are_an_error_and_nothing_else(odd: object) -> None:
    for members in ({"ips": odd}, {"interfaces": odd}, {"ips": [{"address": odd}]}):
        with contextlib.suppress(CniError):
            found = read_result(json.dumps(members).encode(), "0.4.0")
            host_interfaces(found)
            pod_address(found)
