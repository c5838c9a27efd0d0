"""The rules of a pod's volumes (pkg/apis/core/validation: ValidateVolumes)."""

from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names, terms
from labctl.api.validation.container import check_local_path
from labctl.api.validation.environment import check_field_reference

_MAX_MODE = 0o777
_VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
_NEEDED = {
    "hostPath": "path",
    "configMap": "name",
    "secret": "secretName",
    "persistentVolumeClaim": "claimName",
    "nfs": "server",
}
_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)


def check_volumes(volumes: list[Obj], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        here, name = f"{path}[{index}]", volume.get("name")
        if name is not None:
            yield from terms.named(names.label, name, f"{here}.name")
            if name in seen:
                yield causes.duplicate(f"{here}.name", name)
            seen.add(name)
        yield from _source(volume, here)


def _source(volume: Obj, path: str) -> Iterator[Cause]:
    kinds = [member for member in volume if member != "name"]
    if not kinds:
        yield causes.required(path, "must specify a volume type")
    for extra in kinds[1:]:
        yield causes.forbidden(f"{path}.{extra}", "may not specify more than 1 volume type")
    for kind in kinds[:1]:
        source, here = volume[kind], f"{path}.{kind}"
        needed = _NEEDED.get(kind)
        if needed and not source.get(needed):
            yield causes.required(f"{here}.{needed}")
        yield from _known_source(kind, source, here)


def _known_source(kind: str, source: Obj, path: str) -> Iterator[Cause]:
    if kind == "hostPath":
        yield from terms.choice(source, "type", _HOST_PATH_TYPES, path)
    elif kind in ("configMap", "secret"):
        yield from _mode(source, "defaultMode", path)
        yield from _items(source, path)
    elif kind == "downwardAPI":
        yield from _mode(source, "defaultMode", path)
        yield from _downward(source, path)
    elif kind == "projected":
        yield from _mode(source, "defaultMode", path)
        for index, one in enumerate(source.get("sources") or ()):
            yield from _projection(one, f"{path}.sources[{index}]")


def _projection(source: Obj, path: str) -> Iterator[Cause]:
    if len(source) > 1:
        yield causes.forbidden(path, "may not specify more than 1 volume type per source")
    for kind in ("configMap", "secret"):
        if kind in source:
            if not source[kind].get("name"):
                yield causes.required(f"{path}.{kind}.name")
            yield from _items(source[kind], f"{path}.{kind}")
    if "downwardAPI" in source:
        yield from _downward(source["downwardAPI"], f"{path}.downwardAPI")


def _mode(source: Obj, member: str, path: str) -> Iterator[Cause]:
    mode = source.get(member)
    if mode is not None and not 0 <= mode <= _MAX_MODE:
        sentence = "must be a number between 0 and 0777 (octal), both inclusive"
        yield causes.invalid(f"{path}.{member}", mode, sentence)


def _items(source: Obj, path: str) -> Iterator[Cause]:
    for index, item in enumerate(source.get("items") or ()):
        here = f"{path}.items[{index}]"
        if not item.get("key"):
            yield causes.required(f"{here}.key")
        yield from _target(item, here)


def _downward(source: Obj, path: str) -> Iterator[Cause]:
    for index, item in enumerate(source.get("items") or ()):
        here = f"{path}.items[{index}]"
        yield from _target(item, here)
        if "fieldRef" in item:
            yield from check_field_reference(item["fieldRef"], f"{here}.fieldRef", _VOLUME_FIELDS)


def _target(item: Obj, path: str) -> Iterator[Cause]:
    if not item.get("path"):
        yield causes.required(f"{path}.path")
    else:
        yield from check_local_path(item["path"], f"{path}.path")
    yield from _mode(item, "mode", path)
