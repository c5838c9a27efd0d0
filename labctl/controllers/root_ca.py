"""The ConfigMap kube-root-ca.crt in every namespace: the authority by which pods know the API server."""

from typing import Final

from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES
from labctl.api.objects import Obj, annotations, is_deleting, name, namespace
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.writes import Create, perform_new

ROOT_CA: Final = "kube-root-ca.crt"
_DESCRIPTION: Final = {
    "kubernetes.io/description": (
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
        "endpoints such as the internal service IP or kubernetes.default.svc. "
        "No other usage is guaranteed across distributions of Kubernetes clusters."
    )
}


class RootCaPublisher:
    """One namespace at a time; the key is its name."""

    def __init__(self, desk: Desk, authority: str) -> None:
        self._desk = desk
        self._data = {"ca.crt": authority}
        self._namespaces = desk.caches.of(NAMESPACES)
        self._configmaps = desk.caches.of(CONFIGMAPS)
        self._reconciler = Reconciler("root-ca-cert-publisher", self._reconcile)
        self._namespaces.subscribe(self._namespace_changed)
        self._configmaps.subscribe(self._configmap_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _namespace_changed(self, _: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self._reconciler.mark(name(new))

    def _configmap_changed(self, old: Obj | None, new: Obj | None) -> None:
        obj = new or old
        if obj is not None and name(obj) == ROOT_CA:
            self._reconciler.mark(namespace(obj))

    async def _reconcile(self, at: str) -> float | None:
        found = self._namespaces.objects.get(at)
        if found is None or is_deleting(found):
            return None
        present = self._configmaps.get(at, ROOT_CA)
        if present is None:
            metadata = {"name": ROOT_CA, "namespace": at, "annotations": _DESCRIPTION}
            made = {"metadata": metadata, "data": self._data}
            await perform_new(self._desk.client, Create(CONFIGMAPS, made))
        elif present.get("data") != self._data or not _is_described(present):
            await self._desk.client.replace(CONFIGMAPS, self._mended(present))
        return None

    def _mended(self, configmap: Obj) -> Obj:
        described = {**annotations(configmap), **_DESCRIPTION}
        metadata = {**configmap["metadata"], "annotations": described}
        return {**configmap, "metadata": metadata, "data": self._data}


def _is_described(configmap: Obj) -> bool:
    return annotations(configmap).items() >= _DESCRIPTION.items()
