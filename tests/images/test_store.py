"""The store: what is loaded, under which names, and what becomes of it."""

import gzip
import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from labctl.api.images import full_name
from labctl.api.version import architecture
from labctl.errors import BadInput, LabError
from labctl.images.image import Image
from labctl.images.index import Index
from labctl.images.load import load
from labctl.images.store import Store
from tests.images.layouts import CONTAINERD_NAME, Layout, digest, entry, layer


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def nobody() -> set[str]:
    return set()


def take(store: Store, path: Path, name: str = "") -> list[Image]:
    return [image for image, _ in load(store, str(path), name, architecture(), nobody)]


def names(store: Store) -> list[str]:
    return sorted(name for image in store.index.images() for name in image.names)


def top(store: Store, image: Image) -> Path:
    return Path(store.index.layers_of(image)[0])


def test_a_layout_becomes_layers_and_a_name(store: Store, layout: Layout, tmp_path: Path) -> None:
    config = {"Entrypoint": ["/bin/sh"], "Cmd": ["-c", "echo"], "Env": ["A=b"], "User": "web"}
    manifest = layout.image("busybox:1.36", layer(entry("etc/issue", b"hello")), config=config)
    [image] = take(store, layout.write())
    assert image.names == ("docker.io/library/busybox:1.36",)
    assert image.digest == manifest["digest"]
    assert (image.defaults.entrypoint, image.defaults.cmd) == (("/bin/sh",), ("-c", "echo"))
    assert (top(store, image) / "etc/issue").read_bytes() == b"hello"
    assert image.size == 5
    assert store.index.find(full_name("busybox:1.36")) == image
    assert store.index.find(full_name(f"busybox@{image.digest}")) == image
    assert store.index.find(full_name("busybox")) is None
    assert Index(tmp_path / "store").images() == (image,), "as whoever comes later reads it"


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_is_as_good_as_the_directory(
    store: Store, layout: Layout, tmp_path: Path, mode: str
) -> None:
    layout.image("a:1", layer(entry("f", b"x")))
    [image] = take(store, layout.write_tar(tmp_path / "image.tar", mode))
    assert (top(store, image) / "f").read_bytes() == b"x"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_layers_may_be_compressed(
    store: Store, layout: Layout, pack: Callable[[bytes], bytes]
) -> None:
    layout.image("a:1", layer(entry("f", b"x")), pack=pack)
    [image] = take(store, layout.write())
    assert (top(store, image) / "f").read_bytes() == b"x"


def test_docker_archives_are_read_too(store: Store, tmp_path: Path) -> None:
    tar = layer(entry("f", b"x"))
    config = {"architecture": architecture(), "rootfs": {"diff_ids": [digest(tar)]}}
    entries = [{"Config": "c.json", "RepoTags": ["me/app:2"], "Layers": ["1/layer.tar"]}]
    archive = tmp_path / "saved.tar"
    archive.write_bytes(
        layer(
            entry("c.json", json.dumps(config).encode()),
            entry("manifest.json", json.dumps(entries).encode()),
            entry("1/layer.tar", tar),
        )
    )
    [image] = take(store, archive)
    assert (image.names, image.digest) == (("docker.io/me/app:2",), "")
    assert (top(store, image) / "f").read_bytes() == b"x"


def test_of_several_platforms_the_machines_own_is_taken(store: Store, layout: Layout) -> None:
    own = layout.manifest([layer(entry("own"))])
    other = layout.manifest([layer(entry("other"))], machine="s390x")
    index = layout.document(
        {
            "manifests": [
                {**other, "platform": {"os": "linux", "architecture": "s390x"}},
                {**own, "platform": {"os": "linux", "architecture": architecture()}},
            ]
        }
    )
    layout.entries.append({**index, "annotations": {CONTAINERD_NAME: "quay.io/a/b:1"}})
    [image] = take(store, layout.write())
    assert (image.digest, image.names) == (own["digest"], ("quay.io/a/b:1",))


@pytest.mark.parametrize(
    ("told", "given", "expected"),
    [
        ("busybox", "", "docker.io/library/busybox:latest"),
        ("localhost:5000/a/b:c", "", "localhost:5000/a/b:c"),
        ("busybox:1@sha256:" + "0" * 64, "", "docker.io/library/busybox:1"),
        ("1.36", "web", "docker.io/library/web:latest"),
        ("No Name", "web:2", "docker.io/library/web:2"),
        ("", "ghcr.io/a/web", "ghcr.io/a/web:latest"),
    ],
)
def test_names_are_dockers(
    store: Store, layout: Layout, told: str, given: str, expected: str
) -> None:
    layout.image(told, layer(entry("f")))
    take(store, layout.write(), given)
    assert names(store) == [expected]


@pytest.mark.parametrize("tag", ["", "latest", "1.36", "v2"])
def test_a_tag_alone_is_no_name(store: Store, layout: Layout, tag: str) -> None:
    layout.image(tag, layer(entry("f")))
    with pytest.raises(BadInput, match="has no name in it") as error:
        take(store, layout.write())
    assert error.value.hint == "--name REF"


def test_an_archive_of_two_images_gives_two(store: Store, layout: Layout) -> None:
    layout.image("a:1", layer(entry("a")))
    layout.image("b:1", layer(entry("b")))
    layout.image("b:2", layer(entry("b")))
    assert len(take(store, layout.write())) == 2
    assert [name.rpartition("/")[2] for name in names(store)] == ["a:1", "b:1", "b:2"]
    with pytest.raises(BadInput, match="holds 2 images"):
        take(store, layout.root, "c:1")


def test_a_name_goes_to_whoever_has_it_last(store: Store, layout: Layout, tmp_path: Path) -> None:
    layout.image("a:1", layer(entry("old")))
    [old] = take(store, layout.write())
    newer = Layout(tmp_path / "newer")
    newer.image("a:1", layer(entry("new")))
    [new] = take(store, newer.write())
    assert store.index.images() == (new,)
    assert not top(store, old).exists()


def test_what_containers_still_have_stays_without_its_name(
    store: Store, layout: Layout, tmp_path: Path
) -> None:
    layout.image("a:1", layer(entry("old")))
    [old] = take(store, layout.write())
    newer = Layout(tmp_path / "newer")
    newer.image("a:1", layer(entry("new")))
    load(store, str(newer.write()), "", architecture(), lambda: {old.id})
    assert [image.names for image in store.index.images()] == [(), ("docker.io/library/a:1",)]
    assert (top(store, old) / "old").exists()
    take(store, layout.root, "b:1")
    assert names(store) == ["docker.io/library/a:1", "docker.io/library/b:1"]


def test_layers_are_shared_and_go_with_the_last_image(store: Store, layout: Layout) -> None:
    base, more = layer(entry("base")), layer(entry("more"))
    layout.image("a:1", base)
    layout.image("b:1", base, more)
    a, b = take(store, layout.write())
    assert b.layers[0] == a.layers[0]
    store.remove(a, a.names, nobody)
    assert (Path(store.index.layers_of(b)[1]) / "base").exists()
    store.remove(b, b.names, nobody)
    assert store.index.images() == ()
    assert not list((store.directory / "layers").iterdir())


def test_loaded_twice_it_is_there_once(store: Store, layout: Layout) -> None:
    layout.image("a:1", layer(entry("a")))
    [first] = take(store, layout.write())
    [second] = take(store, layout.root, "b")
    assert first.layers == second.layers
    assert [image.names for image in store.index.images()] == [
        ("docker.io/library/a:1", "docker.io/library/b:latest")
    ]


def test_what_a_crash_left_is_cleared_away(store: Store, layout: Layout) -> None:
    layout.image("a:1", layer(entry("a")))
    take(store, layout.write())
    (store.directory / "new" / "half").mkdir()
    (store.directory / "layers" / "unknown" / "deep").mkdir(parents=True)
    take(store, layout.root)
    assert not list((store.directory / "new").iterdir())
    assert len(list((store.directory / "layers").iterdir())) == 1


def test_two_who_load_at_once_do_not_disturb_each_other(store: Store, tmp_path: Path) -> None:
    shared = layer(*(entry(f"f{number}", b"x" * 1000) for number in range(500)))
    layouts = []
    for number in range(3):
        layout = Layout(tmp_path / f"layout{number}")
        layout.image(f"a:{number}", shared, layer(entry(f"own{number}")))
        layouts.append(str(layout.write()))
    with multiprocessing.get_context("fork").Pool(3) as pool:
        loaded = pool.starmap(_load_elsewhere, [(str(store.directory), one) for one in layouts])
    assert len(names(store)) == 3
    assert len({image[0] for image in loaded}) == 1, "the layer that they share"


def _load_elsewhere(directory: str, path: str) -> tuple[str, ...]:
    [(image, _)] = load(Store(Path(directory)), path, "", architecture(), nobody)
    return image.layers


def test_a_damaged_index_is_said_to_be(store: Store, layout: Layout) -> None:
    layout.image("a:1", layer(entry("a")))
    take(store, layout.write())
    (store.directory / "index.json").write_text("[{")
    with pytest.raises(LabError, match=r"index\.json"):
        store.index.images()
