"""The objects that the quick commands make: a Deployment, a Namespace, a ConfigMap, a pod. Pure."""

from collections.abc import Sequence

from labctl.api.objects import Obj


def deployment(
    name: str,
    images: Sequence[str],
    replicas: int = 1,
    port: int | None = None,
    command: Sequence[str] = (),
) -> Obj:
    """As `kubectl create deployment` makes it: label app, a container per image."""
    labels = {"app": name}
    containers = [_container(image, port, command) for image in images]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }


def _container(image: str, port: int | None, command: Sequence[str]) -> Obj:
    container: Obj = {"name": container_name(image), "image": image}
    if port is not None:
        container["ports"] = [{"containerPort": port}]
    return {**container, "command": list(command)} if command else container


def container_name(image: str) -> str:
    """`nginx` for registry.example:5000/library/nginx:1.27@sha256:…, as kubectl derives it."""
    last = image.rsplit("/", 1)[-1]
    name = last.split("@")[0].split(":")[0].lower()
    return "".join(char if char.isalnum() else "-" for char in name).strip("-") or "main"


def pod(
    name: str,
    image: str,
    *,
    port: int | None = None,
    arguments: Sequence[str] = (),
    is_command: bool = True,
    env: Sequence[tuple[str, str]] = (),
    labels: dict[str, str] | None = None,
    restart: str = "Always",
    node: str = "",
) -> Obj:
    """As `kubectl run` makes it. `arguments` are the command, or (not `is_command`) its args."""
    container: Obj = {"name": name, "image": image}
    if arguments:
        container["command" if is_command else "args"] = list(arguments)
    if port is not None:
        container["ports"] = [{"containerPort": port}]
    if env:
        container["env"] = [{"name": key, "value": value} for key, value in env]
    spec: Obj = {"containers": [container], "restartPolicy": restart}
    if node:
        spec["nodeName"] = node
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {"run": name}},
        "spec": spec,
    }


def namespace(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def configmap(name: str, data: dict[str, str]) -> Obj:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
