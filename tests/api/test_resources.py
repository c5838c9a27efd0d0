"""Paths, keys and words of the kinds that are served."""

import pytest

from labctl.api import resources
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import NAMESPACES, NODES, PODS
from labctl.api.resource import Resource


def test_paths_are_those_of_kubernetes() -> None:
    assert PODS.path("default", "web", "log") == "/api/v1/namespaces/default/pods/web/log"
    assert PODS.path() == "/api/v1/pods"
    assert DEPLOYMENTS.path("default") == "/apis/apps/v1/namespaces/default/deployments"
    assert NODES.path(name="node1") == "/api/v1/nodes/node1"
    assert NAMESPACES.path("ignored", "default") == "/api/v1/namespaces/default"


def test_store_keys_hold_no_version() -> None:
    assert PODS.key("default", "web") == "/core/pods/default/web"
    assert DEPLOYMENTS.key("default", "web") == "/apps/deployments/default/web"
    assert NODES.key("", "node1") == "/core/nodes/node1"
    assert PODS.prefix() == "/core/pods/"
    assert PODS.prefix("default") == "/core/pods/default/"


def test_names_of_resources_and_kinds_are_qualified_outside_the_core_group() -> None:
    assert (PODS.qualified, DEPLOYMENTS.qualified) == ("pods", "deployments.apps")
    assert (PODS.qualified_kind, DEPLOYMENTS.qualified_kind) == ("Pod", "Deployment.apps")


@pytest.mark.parametrize(
    ("word", "resource"),
    [
        ("po", PODS),
        ("pods", PODS),
        ("Pod", PODS),
        ("deploy", DEPLOYMENTS),
        ("deployment.apps", DEPLOYMENTS),
        ("deployments.v1.apps", DEPLOYMENTS),
        ("no", NODES),
        ("nothing", None),
        ("", None),
    ],
)
def test_a_users_word_finds_the_resource(word: str, resource: Resource | None) -> None:
    assert resources.by_word(word) is resource


def test_every_resource_is_found_by_path_kind_and_plural() -> None:
    for one in resources.RESOURCES:
        assert resources.find(one.group, one.version, one.plural) is one
        assert resources.by_kind(one.api_version, one.kind) is one
        assert resources.by_word(one.qualified) is one
    assert resources.find("", "v1", "nothing") is None
    assert resources.by_kind("v2", "Pod") is None


def test_no_two_resources_share_a_key_or_a_kind() -> None:
    assert len({one.prefix() for one in resources.RESOURCES}) == len(resources.RESOURCES)
    assert len({(one.group, one.kind) for one in resources.RESOURCES}) == len(resources.RESOURCES)
