"""What a client is told beside an answer that is otherwise fine."""

from collections.abc import Sequence

from labctl.api.kinds.core import SERVICES
from labctl.api.resource import Resource

# What is acted upon in part, and what is not done yet.
_LACKING = {
    SERVICES: "labctl gives services their addresses and ports, but nothing in the lab routes "
    "their traffic yet"
}


def stored_only(resource: Resource) -> Sequence[str]:
    """The warning for a kind on which nothing in a lab acts yet, or not in all that it is for."""
    if resource in _LACKING:
        return (_LACKING[resource],)
    if resource.acted_upon:
        return ()
    return (f"labctl stores {resource.qualified}, but nothing in the lab acts on them yet",)
