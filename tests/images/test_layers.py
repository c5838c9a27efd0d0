"""What becomes of a layer's entries: files as overlayfs wants them, and what is refused."""

import gzip
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labctl.api.version import architecture
from labctl.images.budget import Limits
from labctl.images.load import load
from labctl.images.store import Store
from tests.images.layouts import Layout, directory, entry, layer, link
from tests.images.refusing import refused

MEBIBYTE = 2**20
Member = tuple[tarfile.TarInfo, bytes]


def unpacked(tmp_path: Path, *layers: bytes) -> list[Path]:
    """The directories of an image of these tars, the topmost first."""
    layout = Layout(tmp_path / "layout")
    layout.image("a:1", *layers)
    store = Store(tmp_path / "store")
    [(image, _)] = load(store, str(layout.write()), "", architecture(), set)
    return [Path(one) for one in store.index.layers_of(image)]


def is_whiteout(file: Path) -> bool:
    status = file.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(place: Path) -> bool:
    return "trusted.overlay.opaque" in os.listxattr(place)


def test_owners_modes_times_and_links_are_kept(tmp_path: Path) -> None:
    [root] = unpacked(
        tmp_path,
        layer(
            directory(".", 0o711),
            directory("d", 0o1777, uid=7, gid=8, mtime=1000),
            entry("d/su", b"#!", mode=0o4755, uid=1, gid=2, mtime=2000),
            entry("d/hard", kind=tarfile.LNKTYPE, linkname="d/su"),
            link("d/soft", "/etc/anything"),
            entry("d/pipe", kind=tarfile.FIFOTYPE),
            entry("d/with", b"", pax_headers={"SCHILY.xattr.user.a": "b"}),
        ),
    )
    place, program = (root / "d").stat(), (root / "d/su").stat()
    assert stat.S_IMODE(root.stat().st_mode) == 0o711
    assert (stat.S_IMODE(place.st_mode), place.st_uid, place.st_gid) == (0o1777, 7, 8)
    assert (stat.S_IMODE(program.st_mode), program.st_uid, program.st_gid) == (0o4755, 1, 2)
    assert (place.st_mtime, program.st_mtime) == (1000, 2000)
    assert (root / "d/hard").stat().st_ino == program.st_ino
    assert os.readlink(root / "d/soft") == "/etc/anything"
    assert stat.S_ISFIFO((root / "d/pipe").stat().st_mode)
    assert os.getxattr(root / "d/with", "user.a") == b"b"


def test_overlayfs_s_own_attributes_are_not_an_archives_to_set(tmp_path: Path) -> None:
    headers = {"SCHILY.xattr.trusted.overlay.redirect": "/etc"}
    [root] = unpacked(tmp_path, layer(directory("d", pax_headers=headers)))
    assert os.listxattr(root / "d") == []


def test_what_hides_lower_files_becomes_overlayfs_s(tmp_path: Path) -> None:
    top, _ = unpacked(
        tmp_path,
        layer(directory("etc"), entry("etc/gone"), directory("opt"), directory("was-a-directory")),
        layer(
            entry("etc/.wh.gone"),
            directory("opt"),
            entry("opt/.wh..wh..opq"),
            entry("opt/new"),
            entry(".wh.was-a-directory"),
            directory("was-a-directory"),
            entry(".wh..wh.plnk"),
        ),
    )
    assert is_whiteout(top / "etc/gone")
    assert is_opaque(top / "opt")
    assert is_opaque(top / "was-a-directory")
    assert sorted(os.listdir(top)) == ["etc", "opt", "was-a-directory"]


def test_directories_that_nobody_named_are_as_below(tmp_path: Path) -> None:
    top, _ = unpacked(
        tmp_path,
        layer(
            directory("tmp", 0o1777, gid=9),
            directory("usr"),
            directory("usr/lib"),
            link("lib", "usr/lib"),
        ),
        layer(entry("tmp/a/b", b"x"), entry("lib/c", b"y")),
    )
    assert stat.S_IMODE((top / "tmp").stat().st_mode) == 0o1777
    assert (top / "tmp").stat().st_gid == 9
    assert stat.S_IMODE((top / "tmp/a").stat().st_mode) == 0o755
    assert (top / "usr/lib/c").read_bytes() == b"y", "where the link of the lower layer leads"
    assert not (top / "lib").exists()


def test_a_later_entry_replaces_an_earlier_one(tmp_path: Path) -> None:
    [root] = unpacked(
        tmp_path,
        layer(link("a", "b"), entry("a", b"file"), directory("d"), entry("d/x"), directory("d")),
    )
    assert (root / "a").read_bytes() == b"file"
    assert not (root / "a").is_symlink()
    assert (root / "d/x").exists()


def _device(kind: bytes) -> Member:
    return entry("dev/sda", kind=kind, devmajor=8, devminor=0)


REFUSED_ENTRIES: dict[str, tuple[tuple[Member, ...], str]] = {
    "up": ((entry("../evil"),), "../evil: leads out of the layer"),
    "up, hidden": ((entry("a/../../evil"),), "leads out of the layer"),
    "absolute": ((entry("/etc/passwd", b"x"),), "/etc/passwd: leads out of the layer"),
    "through a link": (
        (link("etc", "/etc"), entry("etc/passwd", b"x")),
        "etc/passwd: leads through etc, which is a link",
    ),
    "a whiteout through a link": (
        (link("etc", "/etc"), entry("etc/.wh.passwd")),
        "leads through etc, which is a link",
    ),
    "through a file": ((entry("a", b"x"), entry("a/b")), "leads through a, which is a file"),
    "a link out": ((link("a/b", "../../../etc"),), "is a link to ../../../etc, which leads out"),
    "a hard link out": (
        (entry("a", kind=tarfile.LNKTYPE, linkname="../../etc/shadow"),),
        "leads out of the layer",
    ),
    "an absolute hard link": (
        (entry("a", kind=tarfile.LNKTYPE, linkname="/etc/shadow"),),
        "leads out of the layer",
    ),
    "a hard link through a link": (
        (link("etc", "/etc"), entry("a", kind=tarfile.LNKTYPE, linkname="etc/shadow")),
        "leads through etc, which is a link",
    ),
    "a hard link to nothing": (
        (entry("a", kind=tarfile.LNKTYPE, linkname="b"),),
        "is a hard link to b, which is not in the layer",
    ),
    "a block device": ((_device(tarfile.BLKTYPE),), "dev/sda: is a device"),
    "a character device": ((_device(tarfile.CHRTYPE),), "dev/sda: is a device"),
    "a kind of its own": ((entry("a", kind=b"V"),), "is of a kind that no layer has"),
    "a whiteout of what is above": ((entry("a/.wh..."),), "hides nothing that has a name"),
    "a name too long": ((entry("a" * 300),), "is too long a name"),
    "nobody's": ((entry("a", uid=2**40),), "which is nobody"),
    "a bomb that says so": ((entry("a", size=10 * MEBIBYTE),), "unpacks to more than 4 MiB"),
    "a bomb of many files": (
        tuple(entry(f"f{number}") for number in range(60)),
        "unpacks to more than 50 files",
    ),
    "a bomb in a header": (
        (entry("a", pax_headers={"comment": "x" * 2 * MEBIBYTE}),),
        "a header of",
    ),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("case", REFUSED_ENTRIES)
def test_an_entry_that_is_not_to_be_had_refuses_the_image(
    tmp_path: Path, case: str, pack: Callable[[bytes], bytes]
) -> None:
    members, words = REFUSED_ENTRIES[case]
    layout = Layout(tmp_path / "layout")
    layout.image("a:1", layer(entry("first", b"x")), layer(*_filled(members)), pack=pack)
    refused(layout.write(), words, Limits(size=4 * MEBIBYTE, files=50))


def _filled(members: tuple[Member, ...]) -> list[Member]:
    """Entries whose headers promise more than they have: filled up with zeros."""
    return [(info, content.ljust(info.size, b"\0")) for info, content in members]
