"""The CNI part of a Lab: which lists are taken, and what is said of others."""

import copy
from typing import Any

import jsonschema_rs
import pytest

from labctl.api.fields import FieldError
from labctl.api.lab import (
    check_conflist,
    lab_configmap,
    lab_from_configmap,
    lab_object,
    lab_schema,
    parse_lab,
)
from labctl.api.lab.cni import CniSpec, versions
from labctl.api.objects import Obj

GOOD: Obj = {
    "cniVersion": "1.0.0",
    "name": "my-net",
    "plugins": [
        {"type": "bridge", "ipam": {"type": "host-local", "subnet": "usePodCidr"}, "on": "yes"},
        {"type": "portmap", "capabilities": {"portMappings": True}},
        {"type": "bridge"},
    ],
}


def changed(path: tuple[str | int, ...], value: Any) -> Obj:
    """The good list with another value at `path`; None takes it away."""
    obj: Any = copy.deepcopy(GOOD)
    *above, last = path
    at = obj
    for step in above:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return dict(obj)


def lab(**cni: Any) -> Obj:
    spec = {"network": {"cni": cni}}
    return {"apiVersion": "labctl.io/v1alpha1", "kind": "Lab", "spec": spec}


def test_a_lab_keeps_its_list_as_it_was_written() -> None:
    spec = parse_lab(lab(conflist=GOOD, binDir="/a:/b", timeoutSeconds=3))
    assert spec.network.cni == CniSpec(GOOD, "/a:/b", 3)
    assert parse_lab(lab_object(spec)) == spec
    assert lab_from_configmap(lab_configmap(spec)) == spec
    assert spec.network.cni.directories == ("/a", "/b")
    assert spec.network.cni.programs == ("bridge", "host-local", "portmap")
    jsonschema_rs.validator_for(lab_schema()).validate(lab_object(spec))


def test_plugins_are_looked_for_where_everyone_has_them() -> None:
    cni = parse_lab(lab(conflist=GOOD)).network.cni
    assert cni is not None
    assert cni.directories == ("/opt/cni/bin", "/usr/lib/cni")


@pytest.mark.parametrize("masquerades", [True, False])
def test_a_list_that_masquerades_says_so(masquerades: bool) -> None:
    obj = changed(("plugins", 0, "ipMasq"), masquerades)
    assert CniSpec(obj).masquerades is masquerades


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (7, "must be a mapping, not integer"),
        ({"type": "bridge", "name": "n"}, "is the configuration of a single plugin"),
        (changed(("name",), None), "name: is required"),
        (changed(("name",), "a/b"), "name: 'a/b' cannot be a network's name"),
        (changed(("name",), 7), "name: must be a string, not integer"),
        (changed(("cniVersion",), None), "cniVersion: is required"),
        (changed(("cniVersion",), "0.2.0"), "cniVersion: '0.2.0' is not supported"),
        (changed(("cniVersion",), "9.0.0"), "cniVersion: '9.0.0' is not supported"),
        (changed(("cniVersion",), 1), "cniVersion: 1 is not supported"),
        (changed(("cniVersions",), "1.0.0"), "cniVersions: must be a list, not string"),
        (changed(("plugins",), None), "plugins: must be a list of at least one plugin"),
        (changed(("plugins",), []), "plugins: must be a list of at least one plugin"),
        (changed(("plugins",), {}), "plugins: must be a list of at least one plugin"),
        (changed(("plugins", 1), "portmap"), "plugins[1]: must be a mapping, not string"),
        (changed(("plugins", 1, "type"), None), "plugins[1].type: is required"),
        (
            changed(("plugins", 1, "type"), "../sh"),
            "plugins[1].type: '../sh' cannot be a program's name",
        ),
        (
            changed(("plugins", 0, "ipam", "type"), "/x"),
            "plugins[0].ipam.type: '/x' cannot be a program's name",
        ),
        (changed(("plugins", 0, "ipam"), "dhcp"), "plugins[0].ipam: must be a mapping, not string"),
        (
            changed(("plugins", 1, "capabilities"), ["a"]),
            "plugins[1].capabilities: must be a mapping, not array",
        ),
    ],
)
def test_a_bad_list_is_refused_with_the_field(obj: Any, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        check_conflist(obj)
    assert caught.value.message == message


def test_of_several_versions_the_newest_comes_first() -> None:
    several = {"cniVersion": "0.3.1", "cniVersions": ["0.4.0", "1.1.0", "2.0.0"]}
    assert versions(several) == ("1.1.0", "0.4.0", "0.3.1")


def test_an_address_block_may_be_empty() -> None:
    assert check_conflist(changed(("plugins", 0, "ipam"), {}))


@pytest.mark.parametrize("seconds", [0, -1, 601, "10", float("nan")])
def test_a_time_limit_is_a_number_of_seconds(seconds: Any) -> None:
    with pytest.raises(FieldError, match=r"^spec\.network\.cni\.timeoutSeconds: "):
        parse_lab(lab(conflist=GOOD, timeoutSeconds=seconds))
