"""An image of a lab's store, as a value."""

from msgspec import Struct, field

from labctl.images.documents import Defaults

_SHORT = 12  # hexadecimal digits, as Docker prints an id


class Image(Struct, frozen=True):
    """`id` is its configuration's digest, `digest` its manifest's, "" where it came without one.

    `names` are full ones (docker.io/library/busybox:latest); it has none while something still
    runs it whose name another image has taken. `layers` are directories of the store, the
    lowest first. `size` is in bytes, unpacked.
    """

    id: str
    digest: str
    names: tuple[str, ...]
    layers: tuple[str, ...]
    architecture: str
    size: int
    loaded_at: float
    defaults: Defaults = field(default_factory=Defaults)

    @property
    def short_id(self) -> str:
        return self.id.partition(":")[2][:_SHORT]


def repository_of(name: str) -> str:
    """A full name without its tag."""
    return name.rpartition(":")[0]
