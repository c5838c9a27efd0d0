"""What a lab's runtime has on record."""

from labctl import names
from labctl.runtime.records import read_records


def recorded(lab: str) -> list[str]:
    """The ids of its sandboxes."""
    return sorted(one.sandbox.sandbox.id for one in read_records(names.sandbox_journal(lab)))
