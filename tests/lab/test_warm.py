"""The image from which a lab's processes are forked: what is in it, and what must not be."""

import os
import subprocess
import sys

_PROGRAM = """
import os, sys, threading
from labctl.lab import supervisor, warm
before = dict(os.environ)
warm.import_shared()
warm.prepare_agents()
assert os.environ == before, "the environment is not what it was"
assert threading.active_count() == 1, "a thread runs in the image"
loaded = [name for name in sys.argv[1:] if name in sys.modules]
assert not loaded, f"imported for nothing: {loaded}"
"""


def _run(*unwanted: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", _PROGRAM, *unwanted]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def test_the_image_holds_nothing_that_only_one_process_needs() -> None:
    done = _run("cryptography", "labctl.store", "labctl.controllers.run", "scapy", "click", "grpc")
    assert done.returncode == 0, done.stderr


def test_what_openssl_trusts_is_as_before() -> None:
    given = {**os.environ, "SSL_CERT_FILE": "/somewhere"}
    assert _run(env=given).returncode == 0
