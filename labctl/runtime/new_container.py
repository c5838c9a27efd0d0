"""A container before it has run: its id, whether a program or a stand-in will, and if it may."""

import time

from labctl.cri.messages import Container, ContainerConfig, SandboxConfig
from labctl.runtime.capabilities import grant
from labctl.runtime.privileges import check_user
from labctl.runtime.programs import why_stand_in


def container_id(sandbox_id: str, config: ContainerConfig) -> str:
    return f"{sandbox_id}.{config.name}.{config.attempt}"


def new_container(sandbox_id: str, pod: SandboxConfig, config: ContainerConfig) -> Container:
    """Decides between program and stand-in by what is on the host now; raises CriError."""
    why = why_stand_in(config)
    notes = () if why else _check(pod, config)
    return Container(
        container_id(sandbox_id, config),
        sandbox_id,
        config,
        "created",
        bool(why),
        why,
        notes=notes,
        created_at=time.time(),
    )


def _check(pod: SandboxConfig, config: ContainerConfig) -> tuple[str, ...]:
    """What of its wishes a program is not given, a sentence each; raises CriError if it must not be."""
    check_user(pod, config.name, config.security)
    withheld = grant(config.security, beside_pause=pod.shared_processes).withheld
    return tuple(f"capability CAP_{one} reaches beyond the pod: not given" for one in withheld)
