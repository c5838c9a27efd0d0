"""What a write may ask for in its query: dryRun, fieldValidation, fieldManager, force.

k8s.io/apimachinery/pkg/apis/meta/v1/validation: CreateOptions, UpdateOptions, PatchOptions.
"""

from collections.abc import Iterator

from labctl.api import causes, status
from labctl.api.causes import Cause
from labctl.api.patches import APPLY_PATCH
from labctl.api.resource import Resource
from labctl.apiserver.request import Request

_MAX_MANAGER = 128  # bytes
_MODES = ("", "Ignore", "Strict", "Warn")
_OPTIONS = {
    verb: Resource("meta.k8s.io", "v1", kind, kind.lower(), namespaced=False)
    for verb, kind in (
        ("create", "CreateOptions"),
        ("update", "UpdateOptions"),
        ("patch", "PatchOptions"),
        ("delete", "DeleteOptions"),
        ("deletecollection", "DeleteOptions"),
    )
}


def check_directives(request: Request) -> None:
    """Raises 422 with everything in the query of a write that is none of its options."""
    options = _OPTIONS.get(request.verb)
    if options is None or (not request.query and request.verb != "patch"):
        return
    problems = list(_problems(request))
    if problems:
        raise status.invalid(options, "", problems)


def field_manager(request: Request) -> str:
    """Who writes: as the request says, else what the client calls itself, up to the first `/`."""
    named = request.query.get("fieldManager")
    if named:
        return named
    if not request.agent:
        return _component(request.user.name)
    name = "".join(one for one in request.agent.partition("/")[0] if one.isprintable())
    return name.encode()[:_MAX_MANAGER].decode(errors="ignore") or "unknown"


def _component(user: str) -> str:
    """Controllers act each as an account of their own; the program that they are in has one name."""
    of_controller = user.startswith("system:serviceaccount:")
    return "kube-controller-manager" if of_controller else user.removeprefix("system:")


def validation_mode(request: Request) -> str:
    """Ignore, Warn (which is also what is meant by nothing) or Strict."""
    return request.query.get("fieldValidation") or "Warn"


def is_forced(request: Request) -> bool:
    """`force`, which is true unless it says otherwise (conversion of Go's query parameters)."""
    return "force" in request.query and request.query["force"].lower() not in {"0", "false"}


def is_apply(request: Request) -> bool:
    """Whether a PATCH is a configuration to apply."""
    return request.verb == "patch" and request.media_type == APPLY_PATCH


def _problems(request: Request) -> Iterator[Cause]:
    query, manager = request.query, request.query.get("fieldManager", "")
    if is_apply(request) and not manager:
        yield causes.required("fieldManager", "is required for apply patch")
    if "force" in query and request.verb == "patch" and not is_apply(request):
        yield causes.forbidden("force", "may not be specified for non-apply patch")
    if len(manager.encode(errors="replace")) > _MAX_MANAGER:
        yield causes.too_long("fieldManager", _MAX_MANAGER)
    for place, one in enumerate(manager):
        if not one.isprintable():
            sentence = f"invalid character U+{ord(one):04X} (at position {place})"
            yield causes.invalid("fieldManager", manager, sentence)
    wish = query.get("dryRun", "")
    if wish not in {"", "All"}:
        yield causes.not_supported("dryRun", [wish], ("All",))
    mode = query.get("fieldValidation", "")
    if mode not in _MODES:
        yield causes.not_supported("fieldValidation", mode, _MODES)
