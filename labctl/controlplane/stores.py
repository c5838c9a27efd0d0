"""The store of a lab, on the engine that its specification names."""

from hashlib import sha256

from labctl import names
from labctl.api.lab import LabSpec
from labctl.store import Store
from labctl.store.etcd.cluster import Cluster
from labctl.store.sqlite import SqliteStore


async def open_store(spec: LabSpec) -> Store:
    """Opens, or makes, the lab's store; raises StoreError."""
    if spec.store.engine == "sqlite":
        return SqliteStore.open(names.store_file(spec.name))
    from labctl.store.etcd.store import EtcdStore  # grpc: see its package

    root = names.etcd_root(spec.name)
    return await EtcdStore.open(etcd_cluster(spec), root, etcd_owner(spec.name))


def etcd_cluster(spec: LabSpec) -> Cluster:
    """Where the lab's etcd is: its own, or one that others use too."""
    store = spec.store
    endpoints = store.endpoints or (f"unix://{names.etcd_socket(spec.name)}",)
    return Cluster(endpoints, store.ca_file, store.cert_file, store.key_file)


def etcd_owner(lab: str) -> str:
    """What marks a lab's keys in an etcd as this one's: a digest of its authority."""
    return sha256((names.pki_dir(lab) / "ca.crt").read_bytes()).hexdigest()[:32]
