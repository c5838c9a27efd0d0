"""The session's lab, as a Python client is pointed at it: a kubeconfig and a namespace."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Labctl

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kubeconfig(labctl: Labctl, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The admin's kubeconfig, as a file."""
    path: Path = tmp_path_factory.mktemp("client") / "config"
    labctl.ok("kubeconfig", "--write", str(path))
    return str(path)


@pytest.fixture
def space(labctl: Labctl) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"clients-{os.getpid()}-{next(_numbers)}"
    labctl.ok("create", "namespace", name)
    yield name
    labctl.ok("delete", "namespace", name, "--wait=false")
