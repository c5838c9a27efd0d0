"""What a pod needs of its namespace: accounts, secrets, configmaps, claims that its spec names."""

from collections.abc import Iterator

from labctl.api.objects import Obj


def references(pod: Obj) -> Iterator[tuple[str, str]]:
    """(resource, name) of each."""
    spec = pod.get("spec") or {}
    yield "serviceaccounts", spec.get("serviceAccountName") or "default"
    for secret in spec.get("imagePullSecrets") or ():
        yield "secrets", secret.get("name") or ""
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(kind) or ():
            yield from _of_container(container)
    for volume in spec.get("volumes") or ():
        yield from _of_volume(volume)


def _of_container(container: Obj) -> Iterator[tuple[str, str]]:
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield from _named(source, "configMapKeyRef", "secretKeyRef")
    for source in container.get("envFrom") or ():
        yield from _named(source, "configMapRef", "secretRef")


def _named(source: Obj, config: str, secret: str) -> Iterator[tuple[str, str]]:
    if config in source:
        yield "configmaps", source[config].get("name") or ""
    if secret in source:
        yield "secrets", source[secret].get("name") or ""


def _of_volume(volume: Obj) -> Iterator[tuple[str, str]]:
    yield from _named(volume, "configMap", "")
    if "secret" in volume:
        yield "secrets", volume["secret"].get("secretName") or ""
    if "persistentVolumeClaim" in volume:
        yield "persistentvolumeclaims", volume["persistentVolumeClaim"].get("claimName") or ""
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield from _named(source, "configMap", "secret")
