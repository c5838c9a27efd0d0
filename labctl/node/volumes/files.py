"""What is in a volume that the API fills: paths, bytes and modes. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labctl.api.objects import Obj
from labctl.node.pods.downward import Surroundings, field_value, resource_value
from labctl.node.pods.security import common_user
from labctl.node.pods.sources import Kind, MissingSource, Sources, token_of

_MODE, _PRIVATE_MODE = 0o644, 0o600


@dataclass(frozen=True, slots=True)
class File:
    """A file of a volume; `path` is relative and has no `..` (validation sees to that).

    `owner` is root unless it is said.
    """

    path: str
    data: bytes
    mode: int = _MODE
    owner: int | None = None


def is_filled(volume: Obj) -> bool:
    """Whether the API fills the volume."""
    return any(kind in volume for kind in ("configMap", "secret", "downwardAPI", "projected"))


def files_of(volume: Obj, pod: Obj, around: Surroundings, sources: Sources) -> tuple[File, ...]:
    """The files of such a volume; raises MissingSource for what is not there and not optional."""
    if "projected" in volume:
        projected = volume["projected"]
        mode = projected.get("defaultMode", _MODE)
        parts = (
            _of_source(source, pod, around, sources, mode)
            for source in projected.get("sources") or ()
        )
        return tuple(file for part in parts for file in part)
    kind = next(one for one in ("configMap", "secret", "downwardAPI") if one in volume)
    source = volume[kind]
    named = {**source, "name": source.get("secretName", "")} if kind == "secret" else source
    mode = source.get("defaultMode", _MODE)
    return tuple(_of_source({kind: named}, pod, around, sources, mode))


def _of_source(
    source: Obj, pod: Obj, around: Surroundings, sources: Sources, mode: int
) -> Iterator[File]:
    if "configMap" in source:
        yield from _of_data("configmap", source["configMap"], sources, mode)
    if "secret" in source:
        yield from _of_data("secret", source["secret"], sources, mode)
    if "downwardAPI" in source:
        items = source["downwardAPI"].get("items") or ()
        yield from _of_pod(items, pod, around, mode)
    if "serviceAccountToken" in source:
        yield _token(source["serviceAccountToken"], pod, sources, mode)


def _token(wanted: Mapping[str, Any], pod: Obj, sources: Sources, mode: int) -> File:
    """For its user's eyes alone, where that is certain; fsGroup lets the group read it too."""
    user, whole = common_user(pod), pod["spec"].get("securityContext") or {}
    if user is not None or whole.get("fsGroup") is not None:
        mode = _PRIVATE_MODE
    return File(wanted["path"], sources.tokens[token_of(wanted)].encode(), mode, user)


def _of_data(kind: Kind, wanted: Mapping[str, Any], sources: Sources, mode: int) -> Iterator[File]:
    at, optional = wanted.get("name", ""), bool(wanted.get("optional"))
    data = sources.data(kind, at, optional=optional)
    items = wanted.get("items")
    if not items:
        yield from (File(key, value, mode) for key, value in data.items())
        return
    for item in items:
        if item["key"] in data:
            yield File(item["path"], data[item["key"]], item.get("mode", mode))
        elif not optional:
            raise MissingSource(f"references non-existent {kind} key: {item['key']}")


def _of_pod(items: Iterable[Obj], pod: Obj, around: Surroundings, mode: int) -> Iterator[File]:
    for item in items:
        if "fieldRef" in item:
            text = field_value(pod, item["fieldRef"].get("fieldPath", ""), around) or ""
        else:
            wanted = item["resourceFieldRef"]
            text = resource_value(_container(pod, wanted), wanted, around)
        yield File(item["path"], text.encode(), item.get("mode", mode))


def _container(pod: Obj, wanted: Mapping[str, Any]) -> Obj:
    containers: list[Obj] = pod["spec"].get("containers") or []
    name = wanted.get("containerName", "")
    return next((one for one in containers if one["name"] == name), {})
