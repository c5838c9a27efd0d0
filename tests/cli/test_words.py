"""How objects are named on the command line."""

import pytest

from labctl.errors import BadInput
from labctl.lab.words import find_resources, one_target, targets


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (["pods"], ["pod/"]),
        (["po", "a", "b"], ["pod/a", "pod/b"]),
        (["deploy/web", "pod/a"], ["deployment.apps/web", "pod/a"]),
        (["pods,deploy"], ["pod/", "deployment.apps/"]),
        (["deployment.apps", "web"], ["deployment.apps/web"]),
        (["Node", "node1"], ["node/node1"]),
    ],
)
def test_kinds_and_names_in_every_form(words: list[str], labels: list[str]) -> None:
    assert [target.label for target in targets(words)] == labels


def test_all_is_what_kubectl_means_by_it() -> None:
    kinds = [resource.kind for resource in find_resources("all")]
    assert {"Pod", "Service", "Deployment", "ReplicaSet"} <= set(kinds)
    assert "Node" not in kinds
    assert "ConfigMap" not in kinds


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "no kind given"),
        (["gizmos"], 'the server doesn\'t have a resource type "gizmos"'),
        (["pod/a", "b"], "write all as KIND/NAME, or none"),
        (["pod/"], "write all as KIND/NAME, or none"),
        (["pod/a/b"], "write all as KIND/NAME, or none"),
    ],
)
def test_what_names_nothing_is_bad_input(words: list[str], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        targets(words)


@pytest.mark.parametrize("words", [["pods"], ["pod", "a", "b"], ["pods,deploy", "a"]])
def test_exactly_one_object_is_one(words: list[str]) -> None:
    with pytest.raises(BadInput, match="exactly one object"):
        one_target(words)
