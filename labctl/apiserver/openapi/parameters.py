"""The parameters that requests may have in their query, by what they ask for."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query; `type` is a word of JSON Schema."""

    name: str
    type: str = "string"


_DRY_RUN = Parameter("dryRun")
_WRITE = (_DRY_RUN, Parameter("fieldManager"), Parameter("fieldValidation"))
_SELECT = (
    Parameter("continue"),
    Parameter("fieldSelector"),
    Parameter("labelSelector"),
    Parameter("limit", "integer"),
    Parameter("resourceVersion"),
    Parameter("resourceVersionMatch"),
    Parameter("sendInitialEvents", "boolean"),
    Parameter("timeoutSeconds", "integer"),
)
_DELETE = (
    _DRY_RUN,
    Parameter("gracePeriodSeconds", "integer"),
    Parameter("orphanDependents", "boolean"),
    Parameter("propagationPolicy"),
)
_STREAMS = (
    Parameter("container"),
    Parameter("stderr", "boolean"),
    Parameter("stdin", "boolean"),
    Parameter("stdout", "boolean"),
    Parameter("tty", "boolean"),
)
_LOG = (
    Parameter("container"),
    Parameter("follow", "boolean"),
    Parameter("limitBytes", "integer"),
    Parameter("previous", "boolean"),
    Parameter("sinceSeconds", "integer"),
    Parameter("tailLines", "integer"),
    Parameter("timestamps", "boolean"),
)
_QUERIES: dict[str, Sequence[Parameter]] = {
    "list": (Parameter("allowWatchBookmarks", "boolean"), *_SELECT, Parameter("watch", "boolean")),
    "create": _WRITE,
    "update": _WRITE,
    "patch": (*_WRITE, Parameter("force", "boolean")),
    "delete": _DELETE,
    "deletecollection": (*_DELETE, *_SELECT),
    "log": _LOG,
    "exec": (Parameter("command"), *_STREAMS),
    "attach": _STREAMS,
    "portforward": (Parameter("ports", "integer"),),
}


def query_parameters(what: str) -> Sequence[Parameter]:
    """Those of a verb, or of a subresource that streams."""
    return _QUERIES.get(what, ())


def path_parameters(path: str) -> list[str]:
    """The names in braces: `namespace` and `name`, in their order."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]
