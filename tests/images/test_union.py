"""Layers looked at as one tree: what overlayfs would show, links followed within it."""

import os
import stat
from pathlib import Path

import pytest

from labctl.images.union import find


@pytest.fixture
def layers(tmp_path: Path) -> list[str]:
    """The topmost first."""
    top, middle, bottom = (tmp_path / name for name in ("top", "middle", "bottom"))
    for layer in (top, middle, bottom):
        (layer / "etc").mkdir(parents=True)
    (bottom / "etc/passwd").write_text("bottom")
    (bottom / "etc/gone").write_text("bottom")
    (middle / "etc/passwd").write_text("middle")
    (middle / "opaque").mkdir()
    os.setxattr(middle / "opaque", "trusted.overlay.opaque", b"y")
    (bottom / "opaque").mkdir()
    (bottom / "opaque/hidden").write_text("bottom")
    os.mknod(top / "etc/gone", stat.S_IFCHR, os.makedev(0, 0))
    (bottom / "link").symlink_to("/etc/passwd")
    (bottom / "up").symlink_to("../../../../etc/passwd")
    (bottom / "circle").symlink_to("circle")
    (bottom / "host").symlink_to("/etc")
    (top / "host").mkdir()
    return [str(top), str(middle), str(bottom)]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("etc/passwd", "middle/etc/passwd"),
        ("/etc/./passwd", "middle/etc/passwd"),
        ("link", "middle/etc/passwd"),
        ("up", "middle/etc/passwd"),
        ("etc/gone", None),
        ("opaque/hidden", None),
        ("etc/passwd/further", None),
        ("nothing/at/all", None),
        ("host/passwd", None),
        ("opaque", "middle/opaque"),
    ],
)
def test_what_is_topmost_is_found(
    layers: list[str], tmp_path: Path, path: str, found: str | None
) -> None:
    assert find(layers, path) == (None if found is None else str(tmp_path / found))


def test_a_circle_of_links_is_an_error(layers: list[str]) -> None:
    with pytest.raises(OSError, match="circle"):
        find(layers, "circle")
