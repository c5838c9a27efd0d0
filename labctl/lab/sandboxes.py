"""What runs on a node, as `docker ps` would show it: each pause beside its containers."""

import contextlib
import os

from labctl import names
from labctl.api.objects import Obj
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError
from labctl.cri.messages import Container, Sandbox
from labctl.lab import connect


async def sandbox_list(lab: str, node: str = "") -> Obj:
    """The lab's sandboxes with their containers (of one node, if one is named)."""
    runtime = RuntimeClient(names.runtime_socket(lab))
    try:
        sandboxes = await runtime.list_pod_sandboxes(node)
        containers = await runtime.list_containers(node)
    except CriError as error:
        raise connect.not_up(lab) from error
    finally:
        await runtime.close()
    return {
        "apiVersion": "labctl.io/v1alpha1",
        "kind": "SandboxList",
        "lab": lab,
        "items": [_sandbox(lab, one, containers) for one in sorted(sandboxes, key=_order)],
    }


def _order(sandbox: Sandbox) -> tuple[str, str, str, int]:
    config = sandbox.config
    return (config.node, config.namespace, config.name, config.attempt)


def _sandbox(lab: str, sandbox: Sandbox, containers: list[Container]) -> Obj:
    config = sandbox.config
    alive = sandbox.state == "ready"  # of a dead one pid and name may be somebody else's by now
    mine = [one for one in containers if one.sandbox_id == sandbox.id]
    return {
        "id": sandbox.id,
        "node": config.node,
        "namespace": config.namespace,
        "pod": config.name,
        "attempt": config.attempt,
        "ip": config.ip,
        "pid": sandbox.pid if alive else 0,
        "state": sandbox.state,
        "netns": _pin(lab, sandbox) if alive else "",
        "inode": _inode(sandbox.pid) if alive else 0,
        "createdAt": sandbox.created_at,
        "containers": [_container(one) for one in sorted(mine, key=lambda one: one.created_at)],
    }


def _pin(lab: str, sandbox: Sandbox) -> str:
    """The name under which `ip netns` knows it: the pod's, or the one for what outlived its pod."""
    if sandbox.config.host_network:
        return names.node_netns(lab, sandbox.config.node)
    own = names.pod_netns(lab, sandbox.config.namespace, sandbox.config.name)
    old = names.old_netns(lab, sandbox.config.uid)
    return old if names.netns_path(old).is_symlink() else own


def _inode(pid: int) -> int:
    with contextlib.suppress(OSError):
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    return 0


def _container(container: Container) -> Obj:
    config = container.config
    return {
        "id": container.id,
        "name": config.name,
        "image": config.image,
        "command": [*config.command, *config.args],
        "standIn": container.stand_in,
        "attempt": config.attempt,
        "state": container.state,
        "pid": container.pid,
        "exitCode": container.exit_code,
        "startedAt": container.started_at,
    }
