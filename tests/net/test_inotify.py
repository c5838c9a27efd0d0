"""A directory under watch: what went from it or was put in its place, also when it went itself."""

import os
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.net.inotify import DirectoryWatch


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "watched"


@pytest.fixture
def watch(directory: Path) -> Iterator[DirectoryWatch]:
    with DirectoryWatch(directory) as watching:
        yield watching


def told(watch: DirectoryWatch) -> set[str] | None:
    assert select.select([watch], [], [], 5)[0]
    return watch.changed()


def test_the_directory_is_made(watch: DirectoryWatch, directory: Path) -> None:
    assert directory.is_dir()
    assert watch.changed() == set()


def test_names_that_went_or_were_put_in_anothers_place_are_told(
    watch: DirectoryWatch, directory: Path
) -> None:
    for name in ("goes", "moves", "stays"):
        (directory / name).touch()
    assert watch.changed() == set(), "what is merely new is not told"
    (directory / "goes").unlink()
    (directory / "moves").rename(directory / "moved")
    assert told(watch) == {"goes", "moves", "moved"}
    os.symlink("/", directory / "new")
    (directory / "new").rename(directory / "stays")
    assert told(watch) == {"new", "stays"}
    assert watch.changed() == set()


def test_a_directory_that_goes_comes_back_and_is_watched_again(
    watch: DirectoryWatch, directory: Path
) -> None:
    directory.rmdir()
    assert told(watch) is None
    (directory / "one").touch()
    (directory / "one").unlink()
    assert told(watch) == {"one"}


def test_a_directory_mounted_over_itself_is_the_same(
    watch: DirectoryWatch, directory: Path
) -> None:
    (directory / "one").touch()
    subprocess.run(["mount", "--bind", directory, directory], check=True)
    try:
        (directory / "one").unlink()
        assert told(watch) == {"one"}
    finally:
        subprocess.run(["umount", directory], check=True)
    assert watch.changed() == set()
    (directory / "two").touch()
    (directory / "two").unlink()
    assert told(watch) == {"two"}
