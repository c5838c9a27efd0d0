"""Manifests as files: in any order, several a file, and each mistake named with its place."""

from pathlib import Path

import pytest

from labctl.errors import BadInput
from labctl.lab.manifests import prepare, read

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec: {containers: [{name: c, image: i}]}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n"


def write(directory: Path, name: str, text: str) -> str:
    file = directory / name
    file.write_text(text)
    return str(file)


def test_namespaces_come_before_what_may_need_them(tmp_path: Path) -> None:
    file = write(tmp_path, "all.yaml", f"{POD}---\n{NAMESPACE}".replace("NAME", "web"))
    assert [one.label for one in prepare(read([file]))] == ["namespace/team", "pod/web"]


def test_a_directory_is_all_its_manifests(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", POD.replace("NAME", "b"))
    write(tmp_path, "a.yml", POD.replace("NAME", "a"))
    write(tmp_path, "notes.txt", "no manifest")
    assert [one.label for one in prepare(read([str(tmp_path)]))] == ["pod/a", "pod/b"]


def test_the_namespace_is_filled_in_where_none_is_given(tmp_path: Path) -> None:
    file = write(tmp_path, "pod.yaml", POD.replace("{name: NAME}", "{name: a, namespace: own}"))
    plain = write(tmp_path, "plain.yaml", POD.replace("NAME", "a"))
    spaces = [one.obj["metadata"]["namespace"] for one in prepare(read([file, plain]), "given")]
    assert spaces == ["own", "given"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [1", r"bad.yaml:\d+: document 1: "),
        ("- a\n- b\n", r"bad.yaml:1: an object must be a mapping, not array"),
        (POD.replace("Pod", "Pot"), r'bad.yaml:2: kind: no matches for kind "Pot" in version "v1"'),
        (POD.replace("{name: NAME}", "{}"), r"bad.yaml:\d+: metadata.name: is required"),
        (POD.replace("NAME", "No_Name"), r"bad.yaml:3: metadata.name: Invalid value"),
        (POD.replace("containers", "contaners"), r"bad.yaml:4: spec.contaners: unknown field"),
        (f"{POD}---\n{POD}", r"bad.yaml:8: metadata.name: pod/NAME is there twice"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_field(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = write(tmp_path, "bad.yaml", text.replace("NAME", "name").replace("No_name", "No_Name"))
    with pytest.raises(BadInput, match=complaint.replace("NAME", "name")):
        prepare(read([file]))


def test_a_selector_that_does_not_match_its_template_is_refused(tmp_path: Path) -> None:
    text = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: c, image: i}]}
"""
    file = write(tmp_path, "bad.yaml", text)
    with pytest.raises(BadInput, match=r"spec.template.metadata.labels: Invalid value"):
        prepare(read([file]))
    text = text.replace("other", "web").replace("spec:\n", "spec:\n  replicas: -1\n", 1)
    negative = write(tmp_path, "bad.yaml", text)
    with pytest.raises(BadInput, match=r"bad.yaml:5: spec.replicas: Invalid value: -1"):
        prepare(read([negative]))


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none.yaml: No such file or directory"):
        read([str(tmp_path / "none.yaml")])


def test_a_file_without_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no objects were given"):
        read([write(tmp_path, "empty.yaml", "# nothing\n")])


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"10.0 MB is too large"):
        read([write(tmp_path, "huge.yaml", "#" * 10_000_000)])


@pytest.mark.parametrize(
    ("right", "wrong", "hint"),
    [
        ("image", "imag", "did you mean image?"),
        ("containers", "container", "did you mean containers?"),
        ("image: i", "image: i, xyzzy: 1", "labctl knows no such field of Pod"),
        ("Pod", "pod", "did you mean Pod?"),
        ("v1", "v2", "did you mean apiVersion v1?"),
        ("Pod", "Deployment", "did you mean apiVersion apps/v1?"),
        ("v1\nkind: Pod", "labctl.io/v1alpha1\nkind: lab", "did you mean Lab?"),
    ],
)
def test_what_was_meant_is_hinted_at(tmp_path: Path, right: str, wrong: str, hint: str) -> None:
    text = POD.replace("NAME", "a").replace(right, wrong)
    with pytest.raises(BadInput) as caught:
        prepare(read([write(tmp_path, "bad.yaml", text)]))
    assert caught.value.hint == hint


def test_files_without_an_object_are_named(tmp_path: Path) -> None:
    empty = write(tmp_path, "empty.yaml", "# nothing\n")
    with pytest.raises(BadInput, match=r"no objects were given: there is none in .*empty\.yaml"):
        read([empty])
