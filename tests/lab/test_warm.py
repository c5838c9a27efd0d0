"""The image from which a lab's processes are forked: what is in it, and what must not be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labctl import pki

_PROGRAM = """
import os, sys, threading
from pathlib import Path
from labctl.lab import supervisor, warm
before = dict(os.environ)
warm.import_shared()
warm.prepare_agents(Path(sys.argv[1]))
assert os.environ == before, "the environment is not what it was"
assert threading.active_count() == 1, "a thread runs in the image"
loaded = [name for name in sys.argv[2:] if name in sys.modules]
assert not loaded, f"imported for nothing: {loaded}"
"""


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    pki.ensure_authority(tmp_path)
    return tmp_path / "ca.crt"


def _run(
    authority: Path, *unwanted: str, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", _PROGRAM, str(authority), *unwanted]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def test_the_image_holds_nothing_that_only_one_process_needs(authority: Path) -> None:
    unwanted = ("cryptography", "labctl.store", "labctl.controllers.run", "scapy", "click", "grpc")
    done = _run(authority, *unwanted)
    assert done.returncode == 0, done.stderr


def test_what_openssl_trusts_is_as_before(authority: Path) -> None:
    given = {**os.environ, "SSL_CERT_FILE": "/somewhere"}
    assert _run(authority, env=given).returncode == 0
