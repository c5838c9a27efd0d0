"""Writes OCI image layouts, right ones and wrong ones, as the specification has them."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labctl.api.version import architecture

BUSYBOX = shutil.which("busybox") or "/bin/busybox"
APPLETS = (
    "sh", "sleep", "echo", "cat", "ls", "id", "pwd", "env", "true", "false", "httpd", "stat",
    "touch", "mkdir", "hostname", "printf", "grep", "kill", "ps", "head", "wget", "nc",
)  # fmt: skip
REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"


def entry(
    name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, **attributes: Any
) -> tuple[tarfile.TarInfo, bytes]:
    """One member of a layer."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def directory(name: str, mode: int = 0o755, **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, kind=tarfile.DIRTYPE, mode=mode, **attributes)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, kind=tarfile.SYMTYPE, linkname=target)


def layer(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A layer's tar."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def busybox_layer() -> bytes:
    """A small system: busybox, its applets as links, a user, a directory for everyone."""
    program = Path(BUSYBOX).read_bytes()
    users = b"root:x:0:0:root:/root:/bin/sh\nweb:x:1234:4321:Web:/home/web:/bin/sh\n"
    groups = b"root:x:0:\nweb:x:4321:\nextra:x:4400:web,other\n"
    return layer(
        directory("bin"),
        entry("bin/busybox", program, mode=0o755),
        *(link(f"bin/{applet}", "busybox") for applet in APPLETS),
        directory("etc"),
        entry("etc/passwd", users),
        entry("etc/group", groups),
        entry("etc/hosts", b"1.2.3.4 of-the-image\n"),
        directory("home"),
        directory("home/web", uid=1234, gid=4321),
        directory("root", 0o700),
        directory("tmp", 0o1777),
        directory("srv"),
        entry("srv/index.html", b"from the image\n"),
    )


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Layout:
    """Builds one below `root`; what tests break, they break in `blobs` before `write`."""

    root: Path
    blobs: dict[str, bytes] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def blob(self, content: bytes) -> dict[str, Any]:
        """Adds a blob; its descriptor."""
        self.blobs[digest(content)] = content
        return {"digest": digest(content), "size": len(content)}

    def document(self, content: object) -> dict[str, Any]:
        return self.blob(json.dumps(content).encode())

    def manifest(
        self,
        layers: Iterable[bytes],
        *,
        pack: Callable[[bytes], bytes] = gzip.compress,
        machine: str = "",
        config: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Adds an image of these tars; the descriptor of its manifest."""
        tars = list(layers)
        document = {
            "architecture": machine or architecture(),
            "os": "linux",
            "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
        }
        return self.document(
            {
                "schemaVersion": 2,
                "config": self.document(document),
                "layers": [self.blob(pack(tar)) for tar in tars],
            }
        )

    def image(self, name: str, *layers: bytes, **settings: Any) -> dict[str, Any]:
        """Adds an image to the index, under a name if it is not empty."""
        descriptor = self.manifest(layers, **settings)
        annotations = {REF_NAME: name} if name else {}
        self.entries.append({**descriptor, "annotations": annotations})
        return descriptor

    def write(self) -> Path:
        """The directory, complete."""
        blobs = self.root / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        (self.root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        index = {"schemaVersion": 2, "manifests": self.entries}
        (self.root / "index.json").write_text(json.dumps(index))
        for name, content in self.blobs.items():
            (blobs / name.partition(":")[2]).write_bytes(content)
        return self.root

    def write_tar(self, file: Path, mode: str = "w") -> Path:
        """The same as one file."""
        with tarfile.open(file, mode) as tar:  # type: ignore[call-overload]
            tar.add(self.write(), arcname=".")
        return file


def busybox_image(root: Path, name: str = "busybox:test", **config: Any) -> Path:
    """A layout with one image that runs: busybox from Debian's busybox-static."""
    layout = Layout(root)
    layout.image(name, busybox_layer(), config=config)
    return layout.write()
