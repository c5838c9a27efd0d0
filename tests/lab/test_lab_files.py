"""Labs in files, and the lists that they name."""

import json
from pathlib import Path

import pytest

from labctl.api.lab import parse_lab
from labctl.errors import BadInput
from labctl.lab.lab_files import read_lab
from labctl.lab.manifests import read

LAB = """\
apiVersion: labctl.io/v1alpha1
kind: Lab
metadata: {name: demo}
spec:
  network:
    cni:
      conflist: CONFLIST
      binDir: BINDIR
"""
CONFLIST = {"cniVersion": "1.0.0", "name": "net", "plugins": [{"type": "own"}]}


def write(directory: Path, conflist: str = "my/net.conflist", bin_dir: str = "bin") -> Path:
    file = directory / "lab.yaml"
    file.write_text(LAB.replace("CONFLIST", conflist).replace("BINDIR", bin_dir))
    return file


def complaint(file: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_lab(read([str(file)])[0])
    return caught.value.message


def test_paths_count_from_the_lab_file_and_the_list_becomes_part_of_the_lab(tmp_path: Path) -> None:
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "net.conflist").write_text(json.dumps(CONFLIST))
    obj, spec = read_lab(read([str(write(tmp_path, bin_dir="bin:/usr/lib/cni"))])[0], "other")
    assert spec.name == "other"
    assert spec.network.cni is not None
    assert spec.network.cni.conflist == CONFLIST
    assert spec.network.cni.directories == (str(tmp_path / "bin"), "/usr/lib/cni")
    assert parse_lab(obj, "other") == spec


def test_a_list_may_stand_in_the_lab_itself(tmp_path: Path) -> None:
    file = write(tmp_path, conflist=json.dumps(CONFLIST))
    spec = read_lab(read([str(file)])[0])[1]
    assert spec.network.cni is not None
    assert spec.network.cni.conflist == CONFLIST


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "1: not JSON: Expecting property name enclosed in double quotes"),
        ('{"name": "net",\n "plugins": [{}]\n "x"}', "3: not JSON: Expecting ',' delimiter"),
        ('["a"]', "1: must be a mapping, not array"),
        ('{"name": "net"}', "1: cniVersion: is required"),
        (
            '{"name": "n", "cniVersion": "1.0.0",\n "plugins": [\n {"name": "a"}]}',
            "3: plugins[0].type: is required",
        ),
    ],
)
def test_a_bad_list_is_told_with_its_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "net.conflist").write_text(text)
    file = write(tmp_path, "net.conflist")
    place = f"{file}:7: spec.network.cni.conflist: {tmp_path}/net.conflist"
    assert complaint(file) == f"{place}:{said}"


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, "gone.conflist")
    assert complaint(file).endswith(f"{tmp_path}/gone.conflist: No such file or directory")
    (tmp_path / "odd.conflist").write_bytes(b"\xff\xfe\xff")
    assert "the text is not UTF-8" in complaint(write(tmp_path, "odd.conflist"))


def test_what_else_is_wrong_has_its_line_too(tmp_path: Path) -> None:
    file = write(tmp_path, conflist="{name: 1}")
    assert complaint(file) == (
        f"{file}:7: spec.network.cni.conflist.name: must be a string, not integer"
    )
