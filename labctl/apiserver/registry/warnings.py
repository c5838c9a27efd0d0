"""What a client is told beside an answer that is otherwise fine."""

from collections.abc import Sequence

from labctl.api.resource import Resource


def stored_only(resource: Resource) -> Sequence[str]:
    """The warning for a kind that nothing in a lab acts on yet."""
    if resource.acted_upon:
        return ()
    return (f"labctl stores {resource.qualified}, but nothing in the lab acts on them yet",)
