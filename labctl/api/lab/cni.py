"""The CNI part of a Lab: a network configuration list, and where its plugins are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labctl.api.causes import type_name
from labctl.api.fields import FieldError, Path
from labctl.api.lab import checks
from labctl.api.objects import Obj

VERSIONS = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
"""Of the CNI specification, oldest first: those with lists of plugins."""

BIN_DIR = "/opt/cni/bin:/usr/lib/cni"  # where everyone has them, and where Debian has them
TIMEOUT_SECONDS = 10.0
TIMEOUT_LIMITS = (0.1, 600.0)

NAME = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_.-]*"
)  # of networks and of programs, by the specification


@dataclass(frozen=True)
class CniSpec:
    """Pods are put on the network by plugins.

    `conflist` is the network configuration list as its author wrote it. `bin_dir` may name several
    directories with colons between them, as CNI_PATH does.
    """

    conflist: Obj = field(hash=False)
    bin_dir: str = BIN_DIR
    timeout_seconds: float = TIMEOUT_SECONDS

    @property
    def directories(self) -> tuple[str, ...]:
        return tuple(part for part in self.bin_dir.split(":") if part)

    @property
    def programs(self) -> tuple[str, ...]:
        """The plugins that the list names, and those that give out addresses, each once."""
        plugins = self.conflist["plugins"]
        blocks = [block for one in plugins for block in (one, one.get("ipam") or {})]
        return tuple(dict.fromkeys(block["type"] for block in blocks if "type" in block))

    @property
    def masquerades(self) -> bool:
        """Whether one of the plugins is told to hide pods behind their node."""
        return any(bool(plugin.get("ipMasq")) for plugin in self.conflist["plugins"])

    def object(self) -> Obj:
        """As it stands in a Lab whose files have been read."""
        return {
            "conflist": self.conflist,
            "binDir": self.bin_dir,
            "timeoutSeconds": self.timeout_seconds,
        }


def parse_cni(value: Any, path: Path) -> CniSpec | None:
    """The field `cni`; None when it is absent. Raises FieldError."""
    if value is None:
        return None
    members = checks.members(value, path, ("conflist", "binDir", "timeoutSeconds"))
    if members.get("conflist") is None:
        raise FieldError((*path, "conflist"), "is required")
    conflist = check_conflist(members["conflist"], (*path, "conflist"))
    bin_dir = checks.string(members.get("binDir") or BIN_DIR, (*path, "binDir"))
    given = members.get("timeoutSeconds")
    seconds = checks.seconds(
        TIMEOUT_SECONDS if given is None else given, (*path, "timeoutSeconds"), *TIMEOUT_LIMITS
    )
    return CniSpec(conflist, bin_dir, seconds)


def check_conflist(value: Any, path: Path = ()) -> Obj:
    """A network configuration list, when it is one that labctl can carry out; else FieldError."""
    conflist = _mapping(value, path)
    if "plugins" not in conflist and "type" in conflist:
        hint = "put it into a list: cniVersion, name, plugins"
        raise FieldError(path, "is the configuration of a single plugin", hint)
    _require_name(conflist, "name", path, "a network's name")
    versions(conflist, path)
    plugins = conflist.get("plugins")
    if not isinstance(plugins, list) or not plugins:
        raise FieldError((*path, "plugins"), "must be a list of at least one plugin")
    for index, plugin in enumerate(plugins):
        _check_plugin(plugin, (*path, "plugins", index))
    return conflist


def versions(conflist: Mapping[str, Any], path: Path = ()) -> tuple[str, ...]:
    """The versions in which the list may be carried out, newest first; FieldError if there is none.

    `cniVersions` names more than the one in `cniVersion` (specification 1.1).
    """
    several = conflist.get("cniVersions") or []
    if not isinstance(several, list):
        raise FieldError((*path, "cniVersions"), f"must be a list, not {type_name(several)}")
    asked = [conflist.get("cniVersion"), *several]
    known = tuple(one for one in reversed(VERSIONS) if one in asked)
    if known:
        return known
    if asked == [None]:
        raise FieldError((*path, "cniVersion"), "is required", f"one of {', '.join(VERSIONS)}")
    words = " or ".join(repr(one) for one in asked if one is not None)
    raise FieldError(
        (*path, "cniVersion"),
        f"{words[:80]} is not supported",
        f"labctl carries out {', '.join(VERSIONS)}",
    )


def _check_plugin(value: Any, path: Path) -> None:
    plugin = _mapping(value, path)
    _require_name(plugin, "type", path, "a program's name")
    ipam = _mapping(plugin.get("ipam") or {}, (*path, "ipam"))
    if ipam.get("type") is not None:
        _require_name(ipam, "type", (*path, "ipam"), "a program's name")
    _mapping(plugin.get("capabilities") or {}, (*path, "capabilities"))


def _require_name(members: Obj, key: str, path: Path, what: str) -> None:
    if members.get(key) is None:
        raise FieldError((*path, key), "is required")
    checks.matching(members[key], (*path, key), NAME, what)


def _mapping(value: Any, path: Path) -> Obj:
    if not isinstance(value, dict):
        raise FieldError(path, f"must be a mapping, not {type_name(value)}")
    return value
