"""What a container is given where: its volumeMounts, each with the directory that is behind it.

What the API fills is for reading only, whatever a mount says (since Kubernetes 1.10).
"""

import contextlib
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from labctl import names
from labctl.api.objects import Obj, namespace, uid
from labctl.api.quantity import parse_quantity
from labctl.cri.messages import Mount
from labctl.errors import LabError
from labctl.node.pods.downward import Surroundings
from labctl.node.pods.environment import environment, expand
from labctl.node.pods.sources import MissingSource, Sources
from labctl.node.volumes.directory import fill, give_to_group, make_empty, make_in_memory
from labctl.node.volumes.files import files_of, is_filled


class MountFailed(LabError):
    """A volume cannot be had; the sentence is the kubelet's."""


def mounts_of(
    lab: str, pod: Obj, container: Obj, around: Surroundings, sources: Sources
) -> tuple[Mount, ...]:
    """Makes and fills the volumes that the container mounts; outer mounts come first.

    Raises MountFailed.
    """
    wanted = container.get("volumeMounts") or ()
    if not wanted:
        return ()
    volumes = {one["name"]: one for one in pod["spec"].get("volumes") or ()}
    values = environment(pod, container, around, sources)
    mounts = [
        _mount(lab, pod, one, volumes[one["name"]], values, around, sources) for one in wanted
    ]
    return tuple(sorted(mounts, key=lambda one: one.target.rstrip("/").count("/")))


def _mount(
    lab: str,
    pod: Obj,
    wanted: Obj,
    volume: Obj,
    values: Mapping[str, str],
    around: Surroundings,
    sources: Sources,
) -> Mount:
    below = wanted.get("subPath") or expand(wanted.get("subPathExpr") or "", values)
    with _telling_of(volume):
        source = _prepared(lab, pod, volume, around, sources)
        source = _below(source, below) if below else source
    read_only = bool(wanted.get("readOnly")) or is_filled(volume)
    return Mount(str(source), wanted["mountPath"], read_only)


def _prepared(lab: str, pod: Obj, volume: Obj, around: Surroundings, sources: Sources) -> Path:
    if "hostPath" in volume:
        return _host_path(volume["hostPath"])
    if "persistentVolumeClaim" in volume:
        claim = volume["persistentVolumeClaim"]["claimName"]
        directory = names.claim_dir(lab, namespace(pod), claim)
    else:
        directory = names.pod_volume_dir(lab, uid(pod)) / volume["name"]
    group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    if is_filled(volume):
        fill(directory, files_of(volume, pod, around, sources), group)
    elif "persistentVolumeClaim" in volume:
        make_empty(directory)
    elif "emptyDir" in volume:
        _make_empty_dir(directory, volume["emptyDir"] or {})
    else:
        kind = next((one for one in volume if one != "name"), "none")
        raise MissingSource(f"labctl has no volumes of the kind {kind}")
    if group is not None and not is_filled(volume):
        give_to_group(directory, group)
    return directory


def refill(lab: str, pod: Obj, volume: Obj, around: Surroundings, sources: Sources) -> None:
    """Brings a volume that the API fills up to date, if it was made; raises MountFailed."""
    if not (names.pod_volume_dir(lab, uid(pod)) / volume["name"]).exists():
        return
    with _telling_of(volume):
        _prepared(lab, pod, volume, around, sources)


@contextlib.contextmanager
def _telling_of(volume: Obj) -> Iterator[None]:
    try:
        yield
    except (OSError, MissingSource) as error:
        why = error.message if isinstance(error, LabError) else str(error)
        text = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {why}'
        raise MountFailed(text) from error


def _make_empty_dir(directory: Path, wanted: Obj) -> None:
    if wanted.get("medium") != "Memory":
        make_empty(directory)
        return
    make_in_memory(directory, int(parse_quantity(wanted.get("sizeLimit") or 0)))


def _host_path(wanted: Obj) -> Path:
    """Kubernetes' hostPath types: some are made, others must be there already."""
    path, kind = Path(wanted["path"]), str(wanted.get("type") or "")
    if kind == "DirectoryOrCreate":
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    elif kind == "FileOrCreate" and not path.exists():
        path.touch(mode=0o644)
    test = _TYPES.get(kind)
    if test is not None and not (path.exists() and test(path.stat().st_mode)):
        raise MissingSource(f"hostPath type check failed: {path} is not a {_WORDS[kind]}")
    if not path.exists():
        path.mkdir(mode=0o755, parents=True)  # as container runtimes do for a path without a type
    return path


_TYPES = {
    "Directory": stat.S_ISDIR,
    "DirectoryOrCreate": stat.S_ISDIR,
    "File": stat.S_ISREG,
    "FileOrCreate": stat.S_ISREG,
    "Socket": stat.S_ISSOCK,
    "CharDevice": stat.S_ISCHR,
    "BlockDevice": stat.S_ISBLK,
}
_WORDS = {
    "Directory": "directory",
    "DirectoryOrCreate": "directory",
    "File": "file",
    "FileOrCreate": "file",
    "Socket": "socket file",
    "CharDevice": "character device",
    "BlockDevice": "block device",
}


def _below(volume: Path, path: str) -> Path:
    """A subPath, made if it is missing; no link that a container made may lead out of the volume."""
    target = (volume / path).resolve()
    if not target.is_relative_to(volume.resolve()):
        raise MissingSource(f"subPath {path} is not within the volume path")
    if not target.exists():
        target.mkdir(mode=0o755, parents=True)
    return target
