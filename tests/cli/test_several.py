"""Several objects at once: what is there is printed, deleted or waited for; the rest is said."""

from collections.abc import Iterator

import pytest

from tests.command import Labctl


@pytest.fixture(scope="module")
def pod(labctl: Labctl) -> Iterator[str]:
    """A pod that is Ready."""
    labctl.ok("run", "there", "--image", "nginx")
    labctl.ok("wait", "--for=condition=Ready", "pod/there")
    yield "there"
    labctl.ok("delete", "pod", "there")


def test_get_prints_those_that_are_there(labctl: Labctl, pod: str) -> None:
    result = labctl("get", "pod", "none", pod, "nil", "--no-headers")
    assert result.code == 1
    assert result.out.startswith(f"{pod} ")
    assert result.err == 'error: pods "none" not found; pods "nil" not found\n'
    named = labctl("get", "pod", pod, "none", "-o", "name")
    assert (named.code, named.out) == (1, f"pod/{pod}\n")
    assert labctl.ok("get", "pod", pod, "none", "-o", "name", "--ignore-not-found")


def test_describe_says_that_there_is_nothing(labctl: Labctl) -> None:
    result = labctl("describe", "pods", "-n", "nowhere")
    assert (result.code, result.out) == (0, "")
    assert result.err == "No resources found in nowhere namespace.\n"


def test_delete_deletes_those_that_are_there(labctl: Labctl) -> None:
    labctl.ok("create", "configmap", "one")
    labctl.ok("create", "configmap", "two")
    result = labctl("delete", "cm", "one", "none", "two", "-o", "name")
    assert (result.code, result.out) == (1, "configmap/one\nconfigmap/two\n")
    assert result.err == 'error: configmaps "none" not found\n'
    assert labctl("get", "cm", "two").code == 1


def test_delete_of_all_does_not_mind_what_goes_along(labctl: Labctl) -> None:
    space = "several"
    labctl.ok("create", "namespace", space)
    words = ("--image", "nginx", "--replicas", "3", "-n", space)
    labctl.ok("create", "deployment", "web", *words)
    labctl.ok("rollout", "status", "deploy/web", "-n", space)
    deleted = labctl.ok("delete", "all", "--all", "-n", space, "--timeout=30s")
    assert 'deployment.apps "web" deleted\n' in deleted
    labctl.ok("delete", "namespace", space)


def test_wait_tells_of_each(labctl: Labctl, pod: str) -> None:
    result = labctl("wait", "--for=condition=Ready", "pod/none", f"pod/{pod}", "pod/nil")
    assert (result.code, result.out) == (1, f"pod/{pod} condition met\n")
    assert result.err == 'error: pods "nil" not found; pods "none" not found\n'


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("get", "pods", "-l", "a b"), "unable to parse requirement: found 'b'"),
        (("get", "pods", "--field-selector", "a=b"), "field label not supported: a"),
        (("delete", "pods", "-l", "a b"), "unable to parse requirement: found 'b'"),
    ],
)
def test_a_bad_selector_is_bad_input(
    labctl: Labctl, words: tuple[str, ...], complaint: str
) -> None:
    result = labctl(*words)
    assert (result.code, result.out) == (2, "")
    assert complaint in result.err


def test_verbs_print_the_objects_that_they_changed(labctl: Labctl) -> None:
    labctl.ok("create", "deployment", "formed", "--image", "nginx")
    for words, verb in (
        (("scale", "deploy/formed", "--replicas", "2"), "scaled"),
        (("wait", "--for=condition=Available", "deploy/formed"), "condition met"),
        (("rollout", "restart", "deploy/formed"), "restarted"),
        (("rollout", "undo", "deploy/formed"), "rolled back"),
    ):
        labctl.ok("rollout", "status", "deploy/formed")
        if verb != "rolled back":
            assert labctl.ok(*words, "-o", "name") == "deployment.apps/formed\n"
            assert labctl(*words, "-o", "json").json["kind"] == "Deployment"
        assert labctl.ok(*words) == f"deployment.apps/formed {verb}\n"
    revisions = labctl("rollout", "history", "deploy/formed", "-o", "json").json["items"]
    assert {one["kind"] for one in revisions} == {"ReplicaSet"}
    labctl.ok("delete", "deploy", "formed")
    assert labctl.ok("wait", "--for=delete", "deploy/formed", "-o", "json") == ""
