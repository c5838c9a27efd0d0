"""What a definition says of one version of its kind, beyond what every `Resource` has."""

from dataclasses import dataclass, field

from labctl.api.objects import Obj


@dataclass(frozen=True, eq=False)
class CustomType:
    """One version of a custom kind; made once per generation of its definition, as its Resource."""

    definition: str
    """The name of the CustomResourceDefinition."""
    stored_as: str
    """The apiVersion in which objects are stored, whichever they are sent and shown in."""
    schema: Obj = field(default_factory=dict)
    """The structural schema (`openAPIV3Schema`), as it was written."""
    columns: tuple[Obj, ...] = ()
    """`additionalPrinterColumns`."""
    scale: Obj | None = None
    """The paths of the subresource scale, if there is one."""
    warning: str = ""
    """What clients are told of a version that is deprecated."""
