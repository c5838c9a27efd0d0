"""Archives that are cut off, forged, damaged or none at all: one line each, and nothing is left."""

import gzip
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labctl.api.version import architecture
from labctl.errors import BadInput
from labctl.images.budget import Limits
from labctl.images.load import load
from labctl.images.store import Store
from tests.images.layouts import Layout, busybox_layer, digest, entry, layer
from tests.images.refusing import refused

TAR = layer(entry("f", os.urandom(5000)))
GOOD = gzip.compress(TAR, 1)


def _layout(root: Path, *, blob: bytes = GOOD, diff_id: str = "", **manifest: Any) -> Layout:
    """One layer, told of as it should be unless something else is said."""
    layout = Layout(root)
    config = {"rootfs": {"diff_ids": [diff_id or digest(TAR)]}}
    document = {"config": layout.document(config), "layers": [layout.blob(blob)], **manifest}
    layout.entries.append(
        {**layout.document(document), "annotations": {"io.containerd.image.name": "a:1"}}
    )
    return layout


def _rewritten(change: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    """A layout whose layer is not what its digest says any more."""

    def write(root: Path) -> Path:
        layout = _layout(root)
        layout.blobs[digest(GOOD)] = change(GOOD)
        return layout.write()

    return write


def _of_blob(blob: bytes, **settings: Any) -> Callable[[Path], Path]:
    """A layout whose digests are right, with a layer that is not."""
    return lambda root: _layout(root, blob=blob, **settings).write()


def _with_index(index: object) -> Callable[[Path], Path]:
    def write(root: Path) -> Path:
        path = _layout(root).write()
        text = index if isinstance(index, str) else json.dumps(index)
        (path / "index.json").write_text(text)
        return path

    return write


def _archive(change: Callable[[Path], object]) -> Callable[[Path], Path]:
    def write(root: Path) -> Path:
        file = _layout(root).write_tar(root.with_suffix(".tar"))
        change(file)
        return file

    return write


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _add(name: str) -> Callable[[Path], None]:
    def add(file: Path) -> None:
        with tarfile.open(file, "a") as tar:
            tar.addfile(entry(name)[0])

    return add


def _of_machine(machine: str) -> Callable[[Path], Path]:
    def write(root: Path) -> Path:
        layout = Layout(root)
        layout.image("a:1", TAR, machine=machine)
        return layout.write()

    return write


def _of_two_layers(root: Path) -> Path:
    one = {"digest": digest(GOOD), "size": len(GOOD)}
    return _layout(root, layers=[one, one]).write()


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (lambda root: root, "no such file or directory"),
    "an empty directory": (lambda root: root.parent, "neither an OCI image layout"),
    "a device": (lambda _: Path(os.devnull), "is no regular file"),
    "a text": (_archive(lambda file: file.write_text("hello\n")), "cannot be read as a tar"),
    "an empty file": (_archive(lambda file: file.write_text("")), "cannot be read as a tar"),
    "a tar cut off": (_archive(_cut), "cannot be read as a tar file: unexpected end of data"),
    "a tar that leads out": (_archive(_add("../../evil")), "../../evil: leads out of the archive"),
    "an absolute tar": (_archive(_add("/etc/evil")), "/etc/evil: leads out of the archive"),
    "a gzip cut off": (
        _archive(lambda file: file.write_bytes(gzip.compress(file.read_bytes())[:-9])),
        "is cut off",
    ),
    "no JSON": (_with_index("{"), "index.json: Input data was truncated"),
    "no index": (_with_index([]), "index.json: Expected `object`, got `array`"),
    "nothing in the index": (_with_index({"manifests": []}), "holds no image for linux/"),
    "a digest that is a path": (
        _with_index({"manifests": [{"digest": "sha256:../../../etc/passwd", "size": 1}]}),
        "manifests[0].digest",
    ),
    "a digest of nothing": (
        _with_index({"manifests": [{"digest": "sha256:" + "0" * 64, "size": 1}]}),
        "no such file or directory",
    ),
    "a size that is none": (
        _with_index({"manifests": [{"digest": "sha256:" + "0" * 64, "size": -1}]}),
        "manifests[0].size",
    ),
    "another machine's": (_of_machine("s390x"), "the image is for linux/s390x, this machine is"),
    "a layer cut off": (_rewritten(lambda blob: blob[:-20]), "is cut off"),
    "a layer that is longer": (_rewritten(lambda blob: blob + bytes(9)), "bytes long, not"),
    "a layer with a wrong digest": (
        _rewritten(lambda blob: gzip.compress(gzip.decompress(blob), 1, mtime=7)),
        f"{digest(GOOD)}: has the digest sha256:",
    ),
    "a layer that unpacks to another": (
        _of_blob(GOOD, diff_id=digest(b"other")),
        f"unpacks to {digest(TAR)}, not to {digest(b'other')}",
    ),
    "a tar in a layer cut off": (
        _of_blob(gzip.compress(TAR[:3000]), diff_id=digest(TAR[:3000])),
        "f: is cut off",
    ),
    "a header in a layer cut off": (
        _of_blob(gzip.compress(TAR[:100]), diff_id=digest(TAR[:100])),
        "is damaged: truncated header",
    ),
    "rubbish after an entry": (
        _of_blob(TAR[:5632] + b"rubbish!" * 64, diff_id=digest(TAR[:5632] + b"rubbish!" * 64)),
        "damaged after byte 5632",
    ),
    "no tar in a layer": (_of_blob(b"hello" * 200, diff_id=digest(b"hello" * 200)), "is damaged"),
    "a manifest without a config": (_of_blob(GOOD, config=None), "is no image's manifest"),
    "more layers than diff_ids": (_of_two_layers, "2 layers, and 1 diff_ids"),
    "zstd that is damaged": (_of_blob(b"\x28\xb5\x2f\xfd" + b"\xff" * 99), "is damaged: zstd"),
    "no layers": (_of_blob(GOOD, layers=[]), "0 layers"),
}


@pytest.mark.parametrize("case", BAD)
def test_it_is_refused(tmp_path: Path, case: str) -> None:
    write, words = BAD[case]
    refused(write(tmp_path / "layout"), words)


def test_gigabytes_of_zeros_are_not_unpacked(tmp_path: Path) -> None:
    """A layer of megabytes that says nothing of its size, as concatenated gzip members."""
    tar = layer(entry("f", bytes(2**20)))[: 512 + 2**20]
    blob = gzip.compress(tar, 9) * 64
    refused(
        _layout(tmp_path / "layout", blob=blob).write(), "more than 8 MiB", Limits(size=8 * 2**20)
    )


def test_a_compressed_archive_may_not_hold_more_either(tmp_path: Path) -> None:
    file = tmp_path / "bomb.tar.gz"
    file.write_bytes(gzip.compress(bytes(2**20), 9) * 9)
    refused(file, "more than 8 MiB", Limits(size=8 * 2**20))


def test_a_good_layer_is_still_looked_at_when_it_is_there(tmp_path: Path) -> None:
    """Known layers are not unpacked again; what pretends to be one is found out."""
    store = Store(tmp_path / "store")
    layout = Layout(tmp_path / "layout")
    layout.image("a:1", busybox_layer())
    load(store, str(layout.write()), "", architecture(), set)
    blob = next(
        one for one in (layout.root / "blobs/sha256").iterdir() if one.stat().st_size > 9999
    )
    with open(blob, "r+b") as file:
        file.seek(5000)
        file.write(b"forged")
    with pytest.raises(BadInput, match="has the digest"):
        load(store, str(layout.root), "b:1", architecture(), set)
    assert len(store.index.images()[0].names) == 1
