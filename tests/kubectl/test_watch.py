"""`kubectl get --watch`: what is there, then what happens, a line each, until somebody stops it."""

import threading
from contextlib import closing
from typing import IO

from tests.kubectl.conftest import Kubectl

_MORE = '{"data":{"more":"yes"}}'


def _words(output: IO[str]) -> list[str]:
    return output.readline().split()


def _create(kubectl: Kubectl, name: str) -> None:
    kubectl("create", "cm", name, "--from-literal=a=b")
    kubectl("label", "cm", name, "watched=yes")


def test_a_list_is_shown_and_followed(kubectl: Kubectl) -> None:
    _create(kubectl, "first")
    with kubectl.going_on("get", "cm", "-l", "watched=yes", "-w") as lines:
        assert _words(lines) == ["NAME", "DATA", "AGE"]
        assert _words(lines)[:2] == ["first", "1"]
        _create(kubectl, "second")
        assert _words(lines)[:2] == ["second", "1"]
        kubectl("patch", "cm", "first", "-p", _MORE)
        assert _words(lines)[:2] == ["first", "2"]
        kubectl("label", "cm", "first", "watched-")  # to this watch it is gone
        assert _words(lines)[:2] == ["first", "2"]
        kubectl("delete", "cm", "second")
        assert _words(lines)[:2] == ["second", "1"]


def test_one_object_is_followed_from_its_next_change(kubectl: Kubectl) -> None:
    _create(kubectl, "alone")
    with kubectl.going_on("get", "cm", "alone", "-w", "-o", "name") as lines:
        assert _words(lines) == ["configmap/alone"]
        kubectl("patch", "cm", "alone", "-p", _MORE)
        assert _words(lines) == ["configmap/alone"]


def test_only_what_happens(kubectl: Kubectl) -> None:
    """A watch that shows nothing at first does not say when it has begun; the first change does."""
    _create(kubectl, "before")
    seen = threading.Event()

    def change() -> None:
        number = 0
        while not seen.is_set():
            number += 1
            kubectl("annotate", "cm", "before", f"number={number}", "--overwrite")

    changing = threading.Thread(target=change)
    words = ("get", "cm", "-l", "watched=yes", "--watch-only", "--no-headers")
    with kubectl.going_on(*words) as lines:
        changing.start()
        try:
            assert _words(lines)[:1] == ["before"]
        finally:
            seen.set()
            changing.join()
        _create(kubectl, "after")
        with closing(lines):
            assert any(line.startswith("after ") for line in lines)


def test_of_all_namespaces_and_with_the_kind_of_change(kubectl: Kubectl) -> None:
    _create(kubectl, "first")
    selected = ("-l", "watched=yes", f"--field-selector=metadata.namespace={kubectl.namespace}")
    with kubectl.going_on("get", "cm", "-A", *selected, "-w") as lines:
        assert _words(lines) == ["NAMESPACE", "NAME", "DATA", "AGE"]
        assert _words(lines)[:2] == [kubectl.namespace, "first"]
    with kubectl.going_on("get", "cm", "first", "-w", "--output-watch-events") as lines:
        assert _words(lines) == ["EVENT", "NAME", "DATA", "AGE"]
        assert _words(lines)[:2] == ["ADDED", "first"]
        kubectl("delete", "cm", "first")
        assert _words(lines)[:2] == ["DELETED", "first"]
