"""What is stored of labs on this machine, and every trace that one leaves."""

import contextlib
from pathlib import Path

from labctl import names
from labctl.api.lab import LabSpec, check_lab_name, lab_from_yaml, lab_yaml
from labctl.errors import BadInput, LabError
from labctl.lab import cgroup, connect, files, lock
from labctl.net import namespaces


def load(lab: str) -> LabSpec | None:
    """The stored lab, or None when there is none."""
    file = names.lab_file(lab)
    try:
        return lab_from_yaml(file.read_text())
    except FileNotFoundError:
        return None
    except BadInput as error:
        raise LabError(f"{file}: {error.message}", f"labctl down --lab {lab}") from error


def require(lab: str) -> LabSpec:
    """The stored lab; NoSuchLab when there is none."""
    connect.require(lab)
    spec = load(lab)
    if spec is None:
        raise connect.not_up(lab)
    return spec


def require_node(lab: str, node: str) -> None:
    """Checks that the lab has that node; NoSuchLab or LabError, worded as the API's NotFound."""
    known = require(lab).node_names
    if node not in known:
        raise LabError(f'nodes "{node}" not found', f"the nodes are {', '.join(known)}")


def make_directories(lab: str) -> None:
    """Makes the lab's directories: only root may look into them, for they hold keys."""
    for base in (names.RUN_DIR, names.STATE_DIR):
        base.mkdir(mode=0o755, parents=True, exist_ok=True)
    for directory in (names.run_dir(lab), names.state_dir(lab), names.log_dir(lab)):
        directory.mkdir(mode=0o700, exist_ok=True)


def save(spec: LabSpec) -> None:
    """Stores the lab, whole or not at all."""
    file = names.lab_file(spec.name)
    new = file.with_suffix(".new")
    new.write_text(lab_yaml(spec))
    new.replace(file)


def remove(lab: str) -> list[Path]:
    """Removes every file of the lab, and directories that it leaves empty.

    Returns where somebody else mounted something, which stays. What says that there is such a lab
    goes first: whoever is interrupted leaves none that is half.
    """
    names.lab_file(lab).unlink(missing_ok=True)
    files.unmount_all(names.volumes_dir(lab))
    left = [*files.remove(names.run_dir(lab)), *files.remove(names.state_dir(lab))]
    with contextlib.suppress(OSError):  # other labs are in it, or it is not there
        names.STATE_DIR.rmdir()
    return left


def traces() -> list[str]:
    """Every lab of which anything is left on this machine, however it ended."""
    found = cgroup.labs() | lock.locked_labs() | _pinned_labs()
    for base in (names.RUN_DIR, names.STATE_DIR):
        found |= {entry.name for entry in _directories(base)}
    return sorted(filter(_is_lab_name, found))


def is_left(lab: str) -> bool:
    """Whether there is anything of the lab but its lock."""
    directories = (names.run_dir(lab), names.state_dir(lab))
    return cgroup.exists(lab) or lab in _pinned_labs() or any(one.exists() for one in directories)


def _is_lab_name(text: str) -> bool:
    try:
        return bool(check_lab_name(text))
    except BadInput:
        return False


def _pinned_labs() -> set[str]:
    """The labs of which a namespace is in /run/netns."""
    return {names.lab_of_netns(pin) for pin in namespaces.pinned(names.NETNS_PREFIX)}


def _directories(base: Path) -> list[Path]:
    """Without those on which somebody mounted something that is no lab."""
    entries = base.iterdir() if base.is_dir() else ()
    return [one for one in entries if one.is_dir() and (not one.is_mount() or _is_stored(one.name))]


def _is_stored(name: str) -> bool:
    return names.lab_file(name).exists()
