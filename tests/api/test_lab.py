"""The Lab object: defaults, errors with their field, and its published schema."""

import contextlib
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.api.fields import FieldError
from labctl.api.lab import (
    LabSpec,
    NetworkSpec,
    NodeSpec,
    StoreSpec,
    Taint,
    Times,
    default_lab,
    lab_configmap,
    lab_from_configmap,
    lab_object,
    lab_schema,
    node_address,
    parse_lab,
    store_of_word,
)
from labctl.api.objects import Obj
from labctl.errors import BadInput

_ENDPOINTS = ("https://192.0.2.1:2379", "https://[2001:db8::1]")


def lab(**spec: Any) -> Obj:
    metadata = {"name": "demo"}
    return {
        "apiVersion": "labctl.io/v1alpha1",
        "kind": "Lab",
        "metadata": metadata,
        "spec": spec,
    }


def _etcd(**store: Any) -> Obj:
    return {"store": {"engine": "etcd", **store}}


def test_a_store_is_named_in_a_word() -> None:
    files = StoreSpec("etcd", ("https://a",), "/ca", "/cert", "/key")
    assert store_of_word("sqlite", files) == StoreSpec()
    assert store_of_word("etcd", files) == StoreSpec("etcd")
    assert store_of_word("etcd", files).is_own_etcd
    moved = store_of_word("etcd=https://b:1,https://c:2", files)
    assert moved == StoreSpec("etcd", ("https://b:1", "https://c:2"), "/ca", "/cert", "/key")
    assert not moved.is_own_etcd


@pytest.mark.parametrize("word", ["mongo", "", "sqlite=x", "etcd=", "etcd=http://a,", "etcd=a:1"])
def test_a_word_that_names_no_store_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match=r"^--store: "):
        store_of_word(word, StoreSpec())


def test_an_empty_lab_is_the_default_one() -> None:
    assert parse_lab({"apiVersion": "labctl.io/v1alpha1", "kind": "Lab"}) == default_lab()
    assert parse_lab(lab(), name="other") == default_lab("other")
    assert default_lab().node_names == ("node1", "node2", "node3")


def test_a_lab_says_everything_that_can_be_said() -> None:
    taint = {"key": "dedicated", "value": "x", "effect": "NoSchedule"}
    spec = parse_lab(
        lab(
            nodes=[{"name": "a"}, {"name": "b", "labels": {"zone": "1"}, "taints": [taint]}],
            network={"backend": "vxlan", "podCIDR": "10.1.0.0/16", "mtu": 9000, "healing": False},
            times={"heartbeatSeconds": 0.5, "graceSeconds": 2, "evictionSeconds": 5},
            store={
                "engine": "etcd",
                "endpoints": ["https://192.0.2.1:2379/", "https://[2001:db8::1]"],
                "caFile": "/ca.crt",
                "certFile": "/me.crt",
                "keyFile": "/me.key",
            },
        )
    )
    assert spec == LabSpec(
        "demo",
        (NodeSpec("a"), NodeSpec("b", (("zone", "1"),), (Taint("dedicated", "x", "NoSchedule"),))),
        NetworkSpec("vxlan", "10.1.0.0/16", "10.96.0.0/16", 9000, healing=False),
        Times(0.5, 2, 5),
        StoreSpec("etcd", _ENDPOINTS, "/ca.crt", "/me.crt", "/me.key"),
    )
    assert spec.network.pod_mtu == 8950
    assert spec.nodes[1].taints[0].object() == taint
    assert parse_lab(lab_object(spec)) == spec
    assert lab_from_configmap(lab_configmap(spec)) == spec


def test_nodes_have_addresses_by_their_place() -> None:
    spec = parse_lab(lab(nodes=250))
    assert node_address(spec, "node1") == "172.30.1.1"
    assert node_address(spec, "node250") == "172.30.1.250"


@pytest.mark.parametrize(
    ("spec", "field", "said"),
    [
        ({"netwrk": {}}, "spec.netwrk", "unknown field"),
        ({"network": {"podCidr": "x"}}, "spec.network.podCidr", "unknown field"),
        ({"nodes": 0}, "spec.nodes", "0 nodes"),
        ({"nodes": 5000}, "spec.nodes", "5000 nodes"),
        ({"nodes": -1}, "spec.nodes", "1 to 250"),
        ({"nodes": True}, "spec.nodes", "not boolean"),
        ({"nodes": "3"}, "spec.nodes", "not string"),
        ({"nodes": []}, "spec.nodes", "0 nodes"),
        ({"nodes": [{"name": "a"}, {"name": "a"}]}, "spec.nodes[1].name", "already the name of"),
        ({"nodes": [{"name": "A"}]}, "spec.nodes[0].name", "not a DNS label"),
        ({"nodes": [{"name": "a" * 64}]}, "spec.nodes[0].name", "not a DNS label"),
        ({"nodes": [{}]}, "spec.nodes[0].name", "is required"),
        ({"nodes": [None]}, "spec.nodes[0].name", "is required"),
        ({"nodes": ["a"]}, "spec.nodes[0]", "must be a mapping"),
        ({"nodes": [{"name": "a", "label": {}}]}, "spec.nodes[0].label", "unknown field"),
        ({"nodes": [{"name": "a", "labels": {"b c": "d"}}]}, "spec.nodes[0].labels", "cannot be"),
        ({"nodes": [{"name": "a", "labels": {"b": 1}}]}, "spec.nodes[0].labels.b", "not integer"),
        (
            {"nodes": [{"name": "a", "taints": [{"key": "k", "effect": "NoShedule"}]}]},
            "spec.nodes[0].taints[0].effect",
            "not one of",
        ),
        ({"nodes": [{"name": "a", "taints": [{}]}]}, "spec.nodes[0].taints[0].key", "required"),
        ({"network": {"backend": "vxlam"}}, "spec.network.backend", "not one of"),
        ({"network": {"podCIDR": "10.244.0.0/30"}}, "spec.network.podCIDR", "room for 0"),
        ({"network": {"podCIDR": "10.244.0.0/23"}}, "spec.network.podCIDR", "room for 2"),
        ({"network": {"podCIDR": "10.244.1.0/16"}}, "spec.network.podCIDR", "own form"),
        ({"network": {"podCIDR": "10.244.0.0"}}, "spec.network.podCIDR", "own form"),
        ({"network": {"podCIDR": "fd00::/48"}}, "spec.network.podCIDR", "not an IPv4 network"),
        ({"network": {"podCIDR": "224.0.0.0/8"}}, "spec.network.podCIDR", "cannot be used"),
        ({"network": {"podCIDR": "172.30.0.0/16"}}, "spec.network.podCIDR", "the underlay"),
        ({"network": {"podCIDR": "0.0.0.0/0"}}, "spec.network.podCIDR", "overlaps"),
        ({"network": {"serviceCIDR": "203.0.113.0/24"}}, "spec.network.serviceCIDR", "outside"),
        ({"network": {"serviceCIDR": "10.244.0.0/16"}}, "spec.network.serviceCIDR", "podCIDR"),
        ({"network": {"serviceCIDR": "10.96.0.0/30"}}, "spec.network.serviceCIDR", "prefix"),
        ({"network": {"mtu": 575}}, "spec.network.mtu", "between 576 and 9000"),
        ({"network": {"mtu": 9001}}, "spec.network.mtu", "between"),
        ({"network": {"mtu": 600, "backend": "vxlan"}}, "spec.network.mtu", "between 626"),
        ({"network": {"mtu": "1500"}}, "spec.network.mtu", "not string"),
        ({"network": {"healing": "yes"}}, "spec.network.healing", "true or false"),
        ({"network": []}, "spec.network", "must be a mapping"),
        ({"network": {"cni": 1}}, "spec.network.cni", "must be a mapping"),
        ({"network": {"cni": {}}}, "spec.network.cni.conflist", "is required"),
        ({"network": {"cni": {"list": {}}}}, "spec.network.cni.list", "unknown field"),
        ({"images": "loose"}, "spec.images", "not one of lenient, strict"),
        ({"images": True}, "spec.images", ""),
        ({"times": {"graceSeconds": 5}}, "spec.times.graceSeconds", "more than heartbeat"),
        ({"times": {"graceSeconds": float("nan")}}, "spec.times.graceSeconds", "between"),
        ({"times": {"heartbeatSeconds": 0}}, "spec.times.heartbeatSeconds", "between"),
        ({"times": {"evictionSeconds": 1.5}}, "spec.times.evictionSeconds", "whole seconds"),
        ({"store": "etcd"}, "spec.store", "must be a mapping"),
        ({"store": {"engine": "mongo"}}, "spec.store.engine", "not one of sqlite, etcd"),
        ({"store": {"endpoints": ["http://a"]}}, "spec.store.engine", "neither endpoints nor"),
        (_etcd(endpoints=[]), "spec.store.endpoints", "must be a list"),
        (_etcd(endpoints="http://a"), "spec.store.endpoints", "must be a list"),
        (_etcd(endpoints=[7]), "spec.store.endpoints[0]", "not integer"),
        (_etcd(endpoints=["a:2379"]), "spec.store.endpoints[0]", "is not a URL"),
        (_etcd(endpoints=["http://a", "http://:1"]), "spec.store.endpoints[1]", "is not a URL"),
        (_etcd(endpoints=["http://a:b"]), "spec.store.endpoints[0]", "is not a URL"),
        (_etcd(endpoints=["http://a/keys"]), "spec.store.endpoints[0]", "is not a URL"),
        (_etcd(endpoints=["http://me:pw@a"]), "spec.store.endpoints[0]", "must hold no user"),
        (_etcd(caFile="/ca.crt"), "spec.store.endpoints", "for https"),
        (_etcd(endpoints=["http://a"], caFile="/ca"), "spec.store.endpoints", "for https"),
        (_etcd(endpoints=["https://a"], caFile="ca"), "spec.store.caFile", "absolute"),
        (_etcd(endpoints=["https://a"], certFile="/c"), "spec.store.keyFile", "is required"),
        (_etcd(endpoints=["https://a"], keyFile="/k"), "spec.store.certFile", "is required"),
    ],
)
def test_a_bad_lab_is_refused_with_the_field(spec: Obj, field: str, said: str) -> None:
    with pytest.raises(FieldError) as caught:
        parse_lab(lab(**spec))
    assert caught.value.message.startswith(f"{field}: ")
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("obj", "field"),
    [
        ({"apiVersion": "v1", "kind": "Lab"}, "apiVersion"),
        ({"apiVersion": "labctl.io/v1alpha1", "kind": "Pod"}, "kind"),
        ({**lab(), "metadata": {"name": "a" * 21}}, "metadata.name"),
        ({**lab(), "metadata": {"name": "Demo"}}, "metadata.name"),
        ({**lab(), "metadata": {"name": 7}}, "metadata.name"),
        ({**lab(), "status": {}}, "status"),
        ({**lab(), "spec": []}, "spec"),
    ],
)
def test_a_bad_frame_is_refused_with_the_field(obj: Obj, field: str) -> None:
    with pytest.raises(FieldError, match=f"^{field}: "):
        parse_lab(obj)


def test_an_unknown_field_comes_with_the_nearest_known_one() -> None:
    with pytest.raises(FieldError) as caught:
        parse_lab(lab(network={"podCidr": "10.0.0.0/8"}))
    assert caught.value.hint == "did you mean podCIDR?"


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_junk_is_bad_input_and_nothing_else(junk: Any) -> None:
    for obj in (junk, lab(nodes=junk), lab(network=junk), {**lab(), "spec": junk}):
        with contextlib.suppress(BadInput):
            assert isinstance(parse_lab(obj), LabSpec)


def test_the_published_schema_takes_what_is_parsed() -> None:
    validator = jsonschema_rs.validator_for(lab_schema())
    validator.validate(lab_object(default_lab()))
    validator.validate(lab(nodes=[{"name": "a", "labels": {"b": "c"}}]))
    wrong: tuple[Obj, ...] = ({"nodes": 0}, {"nodes": []}, {"network": {"mtu": 1}}, {"netwrk": {}})
    for bad in wrong:
        assert not validator.is_valid(lab(**bad))


@pytest.mark.parametrize("data", [None, {}, {"lab.yaml": "{"}, {"lab.yaml": "- 1"}])
def test_a_configmap_that_holds_no_lab_is_refused(data: Obj | None) -> None:
    with pytest.raises(BadInput):
        lab_from_configmap({"data": data})
