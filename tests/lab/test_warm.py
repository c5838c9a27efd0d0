"""The image from which a lab's processes are forked: what is in it, and what must not be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labctl import pki
from labctl.api.lab import default_lab, lab_yaml

_PROGRAM = """
import os, sys, threading
from pathlib import Path
from labctl.lab import supervisor, warm
before = dict(os.environ)
warm.import_shared()
warm.prepare_agents(Path(sys.argv[1]), Path(sys.argv[2]))
assert os.environ == before, "the environment is not what it was"
assert threading.active_count() == 1, "a thread runs in the image"
loaded = [name for name in sys.argv[3:] if name in sys.modules]
assert not loaded, f"imported for nothing: {loaded}"
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A lab file, and a certificate."""
    pki.ensure_authority(tmp_path)
    (tmp_path / "lab.yaml").write_text(lab_yaml(default_lab()))
    return str(tmp_path / "lab.yaml"), str(tmp_path / "ca.crt")


def _run(
    files: tuple[str, str], *unwanted: str, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", _PROGRAM, *files, *unwanted]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def test_the_image_holds_nothing_that_only_one_process_needs(files: tuple[str, str]) -> None:
    unwanted = ("cryptography", "labctl.store", "labctl.controllers.run", "scapy", "click", "grpc")
    done = _run(files, *unwanted)
    assert done.returncode == 0, done.stderr


def test_what_openssl_trusts_is_as_before(files: tuple[str, str]) -> None:
    given = {**os.environ, "SSL_CERT_FILE": "/somewhere"}
    assert _run(files, env=given).returncode == 0
