"""What an agent and its machine's runtime say to each other: CRI's verbs as JSON lines.

`messages` are the nouns and the requests, `client` is the agent's end, `wire` the framing that
both ends share, `exec` the one verb with a connection of its own, because it passes descriptors.
"""

from labctl.cri.client import RuntimeClient, Subscription
from labctl.cri.errors import CriError, RuntimeUnavailable
from labctl.cri.exec import ExecResult, ExecSession
from labctl.cri.messages import (
    Container,
    ContainerConfig,
    ContainerEvent,
    Port,
    RuntimeStatus,
    Sandbox,
    SandboxConfig,
)

__all__ = [
    "Container",
    "ContainerConfig",
    "ContainerEvent",
    "CriError",
    "ExecResult",
    "ExecSession",
    "Port",
    "RuntimeClient",
    "RuntimeStatus",
    "RuntimeUnavailable",
    "Sandbox",
    "SandboxConfig",
    "Subscription",
]
