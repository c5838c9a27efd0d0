"""labctl support-bundle: everything about a lab, alive or half dead, and none of its secrets."""

import json
import os
import signal
import tarfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labctl import names
from labctl.lab import cgroup, processes
from tests.command import Labctl
from tests.conftest import MakeLab

_WORD, _ENV, _SHORT = 'tr0ub4dor&3 "quoted"', "hunter2-in-a-variable", "letmein"
_PODS = f"""
apiVersion: v1
kind: Secret
metadata: {{name: word}}
stringData: {{word: '{_WORD}', short: {_SHORT}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: robot}}
spec:
  containers:
  - name: c
    image: x
    command: [sh, -c, "exec sleep 1000", {_SHORT}, '{_WORD}']
    env: [{{name: PASSWORD, value: {_ENV}}}]
"""


@pytest.fixture
def labctl(make_lab: MakeLab) -> Iterator[Labctl]:
    one = make_lab("--nodes", "2")
    one.ok("apply", "-f", "-", stdin=_PODS)
    one.ok("wait", "--for=condition=Ready", "pod/robot")
    yield one
    one.ok("down")


class Bundle:
    """A bundle that was written, and what labctl said."""

    def __init__(self, labctl: Labctl, directory: Path) -> None:
        self.file = directory / "bundle.tar.gz"
        result = labctl("support-bundle", "-o", str(self.file))
        assert (result.code, result.out) == (0, f"{self.file}\n"), result.err
        self.said = result.err
        with tarfile.open(self.file) as tar:
            self.members = tar.getmembers()
            top = f"labctl-{labctl.lab}/"
            self.files = {
                one.name.removeprefix(top): tar.extractfile(one).read()  # type: ignore[union-attr]
                for one in self.members
            }
        index = json.loads(self.files["index.json"])
        assert (index["kind"], index["lab"]) == ("SupportBundle", labctl.lab)
        self.missing: dict[str, str] = {
            one["path"]: one["missing"] for one in index["items"] if "missing" in one
        }
        present = {one["path"]: one["bytes"] for one in index["items"] if "bytes" in one}
        sizes = {path: len(content) for path, content in self.files.items()}
        assert present == {path: size for path, size in sizes.items() if path != "index.json"}

    def json(self, path: str) -> Any:
        return json.loads(self.files[path])


def kill(labctl: Labctl, *wanted: str) -> None:
    for one in processes.read_record(labctl.lab).processes:
        if one.name in wanted:
            os.kill(one.pid, signal.SIGKILL)


def secrets(lab: str) -> Iterator[bytes]:
    """Every secret of the lab, in every form in which it could be told."""
    for word in (_WORD, _ENV, _SHORT):
        yield from (word.encode(), b64encode(word.encode()), json.dumps(word)[1:-1].encode())
    for key in names.pki_dir(lab).glob("*.key"):
        yield b64encode(key.read_bytes())
        yield from (line for line in key.read_bytes().splitlines() if b"-----" not in line)
    for token in names.volumes_dir(lab).rglob("token"):
        yield token.read_bytes()


def test_everything_is_in_it_but_no_secret(labctl: Labctl, tmp_path: Path) -> None:
    bundle = Bundle(labctl, tmp_path)
    assert (bundle.missing, bundle.said) == ({}, "")
    assert bundle.file.stat().st_mode & 0o777 == 0o600
    assert {one.mode for one in bundle.members} == {0o600}
    assert list(tmp_path.iterdir()) == [bundle.file]
    parts = {path.split("/")[0] for path in bundle.files}
    assert parts == {
        *("versions.txt", "doctor.txt", "processes.txt", "logs", "lab.yaml", "record.json"),
        *("status.json", "sandboxes.json", "store.txt", "metrics.txt", "objects", "plans"),
        *("namespaces", "index.json"),
    }
    (secret,) = bundle.json("objects/secrets.json")
    assert secret["data"]["short"].startswith("REDACTED")
    (pod,) = bundle.json("objects/pods.json")
    assert pod["spec"]["containers"][0]["env"][0]["name"] == "PASSWORD"
    assert b"default" in bundle.files["namespaces/node.node1.txt"]
    assert b"table ip labctl" in bundle.files["namespaces/node.node2.txt"]
    assert b"net.ipv4.ip_forward = 1\n" in bundle.files["namespaces/node.node1.sysctl"]
    assert b"apiserver_request_total" in bundle.files["metrics.txt"]
    assert b"core/pods" in bundle.files["store.txt"]
    assert b"processes" in bundle.files["processes.txt"]
    assert bundle.files["plans/node1.txt"] == b""
    found = list(secrets(labctl.lab))
    assert len(found) > 20
    everything = b"\0".join(bundle.files.values())
    assert [one for one in found if one in everything] == []


def test_a_lab_without_control_plane_and_agent_is_told_from_its_store(
    labctl: Labctl, tmp_path: Path
) -> None:
    labctl.ok("fault", "kill-agent", "node1")
    kill(labctl, "supervisor")
    kill(labctl, "control-plane")
    bundle = Bundle(labctl, tmp_path)
    assert bundle.missing.keys() == {"metrics.txt", "objects as the API has them"}
    assert all("the API does not answer" in one for one in bundle.missing.values())
    assert bundle.said.startswith("missing: metrics.txt: the API does not answer")
    assert [one["metadata"]["name"] for one in bundle.json("objects/pods.json")] == ["robot"]
    states = {one["name"]: one["state"] for one in bundle.json("status.json")["processes"]}
    assert (states["control-plane"], states["runtime"]) == ("dead", "running")
    assert bundle.files["plans/node1.txt"] == b""
    everything = b"\0".join(bundle.files.values())
    assert [one for one in secrets(labctl.lab) if one in everything] == []


def test_of_a_wreck_there_is_what_is_left(labctl: Labctl, tmp_path: Path) -> None:
    cgroup.kill(labctl.lab)
    cgroup.wait_empty(labctl.lab, 5)
    for file in names.state_dir(labctl.lab).glob("store.db*"):
        file.write_bytes(b"no database")
    names.lab_file(labctl.lab).unlink()
    bundle = Bundle(labctl, tmp_path)
    assert bundle.missing.keys() >= {"lab.yaml", "status.json", "sandboxes.json", "store.txt"}
    assert "not a database" in bundle.missing["store.txt"]
    assert b"172.30.1.2" in bundle.files["namespaces/node.node2.txt"]
    assert "logs/runtime.log" in bundle.files
    everything = b"\0".join(bundle.files.values())
    assert [one for one in secrets(labctl.lab) if one in everything] == []


def test_no_lab_and_no_place_to_write_are_said(labctl: Labctl, tmp_path: Path) -> None:
    none = Labctl("no-such-lab")("support-bundle")
    assert (none.code, none.err.split("\n")[0]) == (3, "error: there is no lab 'no-such-lab'")
    nowhere = labctl("support-bundle", "-o", str(tmp_path / "none" / "b.tar.gz"))
    assert (nowhere.code, nowhere.out) == (2, "")
    assert nowhere.err.startswith(f"error: -o {tmp_path}/none/")
