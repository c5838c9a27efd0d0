"""What a lab's store needs before there is a lab, and what it leaves elsewhere."""

import asyncio
import importlib.util
import shutil
from pathlib import Path

from labctl import names
from labctl.api.fields import FieldError
from labctl.api.lab import LabSpec, StoreSpec
from labctl.errors import HostCannot, LabError
from labctl.lab import etcd

_PATIENCE = 3.0  # seconds
_LIBRARY = "pip install 'labctl[etcd]'"
_PROGRAM = "sudo apt-get install -y etcd-server"


def require(store: StoreSpec) -> None:
    """Raises HostCannot for what this host lacks, BadInput for a file that cannot be read."""
    if store.engine != "etcd":
        return
    # Looked for and not imported: grpc must not be in a process that forks others.
    if importlib.util.find_spec("aetcd") is None:
        raise HostCannot("aetcd is not installed, which a lab on etcd needs", _LIBRARY)
    if store.is_own_etcd and shutil.which(etcd.PROGRAM) is None:
        raise HostCannot(f"{etcd.PROGRAM} is not installed (not on PATH)", _PROGRAM)
    for field, file in (
        ("caFile", store.ca_file),
        ("certFile", store.cert_file),
        ("keyFile", store.key_file),
    ):
        _require_file(field, file)


def _require_file(field: str, file: str) -> None:
    try:
        if file:
            Path(file).read_bytes()
    except OSError as error:
        raise FieldError(("spec", "store", field), f"{file}: {error.strerror}") from error


def claim(spec: LabSpec) -> None:
    """Takes the lab's place in an etcd that others use; LabError when it cannot be had.

    The control plane would do so too; but this tells at once what is wrong.
    """
    if not spec.store.endpoints:
        return
    from labctl.controlplane.stores import open_store
    from labctl.store import StoreError

    async def open_once() -> None:
        store = await open_store(spec)
        await store.close()

    try:
        asyncio.run(open_once())
    except StoreError as error:
        raise LabError(str(error)) from error


def remove(spec: LabSpec) -> str:
    """Takes the lab's keys out of an etcd that goes on without it; what stays, if anything does."""
    if not spec.store.endpoints:
        return ""
    from labctl.controlplane.stores import etcd_cluster, etcd_owner
    from labctl.store import StoreError

    root = names.etcd_root(spec.name)
    try:
        from labctl.store.etcd.removal import remove as remove_keys

        asyncio.run(remove_keys(etcd_cluster(spec), root, etcd_owner(spec.name), _PATIENCE))
    except FileNotFoundError:
        return ""  # it never had an authority, so it never wrote
    except (StoreError, ImportError) as error:
        return f"the keys under {root} may still be in etcd: {error}"
    return ""
