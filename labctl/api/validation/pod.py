"""The rules of Pods and pod templates (pkg/apis/core/validation: ValidatePodSpec).

Which fields of a Pod may change after it was made is at the end: nearly none.
"""

from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names, terms
from labctl.api.validation.container import check_containers
from labctl.api.validation.placement import check_placement
from labctl.api.validation.security import check_naming, check_pod_security
from labctl.api.validation.volume import check_volumes

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MAX_INT32 = 2**31 - 1
_NAMED = (
    ("nodeName", names.subdomain),
    ("hostname", names.label),
    ("subdomain", names.label),
    ("serviceAccountName", names.subdomain),
    ("priorityClassName", names.subdomain),
    ("runtimeClassName", names.subdomain),
)
_WITH_IMAGES = ("containers", "initContainers")
_UPDATE_SENTENCE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def check_pod(obj: Obj) -> Iterator[Cause]:
    yield from check_pod_spec(obj.get("spec") or {}, "spec")


def check_template(template: Obj, path: str) -> Iterator[Cause]:
    """A pod template: what of a Pod can be said before it has a name."""
    metadata = template.get("metadata") or {}
    yield from terms.labels(metadata.get("labels"), f"{path}.metadata.labels")
    for key in metadata.get("annotations") or ():
        for problem in names.qualified(key.lower()):
            yield causes.invalid(f"{path}.metadata.annotations", key, problem)
    if "spec" in template:
        yield from check_pod_spec(template["spec"], f"{path}.spec")
        if template["spec"].get("ephemeralContainers"):
            sentence = "ephemeral containers not allowed in pod template"
            yield causes.forbidden(f"{path}.spec.ephemeralContainers", sentence)
    else:
        yield causes.required(f"{path}.spec.containers")


def check_pod_spec(spec: Obj, path: str) -> Iterator[Cause]:
    if spec.get("volumes"):
        yield from check_volumes(spec["volumes"], f"{path}.volumes")
    yield from check_containers(spec, path)
    yield from terms.choice(spec, "restartPolicy", RESTART_POLICIES, path)
    yield from terms.choice(spec, "dnsPolicy", DNS_POLICIES, path)
    for member, rule in _NAMED:
        value = spec.get(member)
        if value:
            for problem in rule(value):
                yield causes.invalid(f"{path}.{member}", value, problem)
    yield from terms.not_negative(spec, ("terminationGracePeriodSeconds",), path)
    yield from terms.within(spec, "activeDeadlineSeconds", 1, _MAX_INT32, path)
    yield from check_placement(spec, path)
    if spec.get("securityContext") or "shareProcessNamespace" in spec:
        yield from check_pod_security(spec, path)
    if "hostAliases" in spec or "dnsConfig" in spec or spec.get("dnsPolicy") == "None":
        yield from check_naming(spec, path)
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        field = f"{path}.readinessGates[{index}].conditionType"
        yield from terms.named(names.qualified, gate.get("conditionType", ""), field)


def check_pod_update(new: Obj, old: Obj) -> Iterator[Cause]:
    """Of a Pod that exists only images, a deadline and further tolerations can be changed."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    if after == before:
        return
    for member in _WITH_IMAGES:
        if len(after.get(member) or ()) != len(before.get(member) or ()):
            sentence = "pod updates may not add or remove containers"
            yield causes.forbidden(f"spec.{member}", sentence)
            return
    yield from _deadline_update(after, before)
    tolerations = _lasting(after)
    if any(one not in tolerations for one in _lasting(before)):
        sentence = "existing toleration can not be modified except its tolerationSeconds"
        yield causes.forbidden("spec.tolerations", sentence)
    elif _fixed(after) != _fixed(before):
        yield causes.forbidden("spec", _UPDATE_SENTENCE)


def _deadline_update(after: Obj, before: Obj) -> Iterator[Cause]:
    """A deadline only comes nearer."""
    new, old = after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")
    if old is None or new == old:
        return
    if new is None:
        sentence = "must not update from a positive integer to nil value"
        yield causes.invalid("spec.activeDeadlineSeconds", None, sentence)
    elif new > old:
        sentence = "must be less than or equal to previous value"
        yield causes.invalid("spec.activeDeadlineSeconds", new, sentence)


def _lasting(spec: Obj) -> list[Obj]:
    """The tolerations, but for how long they hold."""
    tolerations = spec.get("tolerations") or ()
    return [{k: one[k] for k in one if k != "tolerationSeconds"} for one in tolerations]


def _fixed(spec: Obj) -> Obj:
    """The part of a spec that cannot be changed."""
    fixed = {
        member: value
        for member, value in spec.items()
        if member not in ("activeDeadlineSeconds", "tolerations", *_WITH_IMAGES)
    }
    for member in _WITH_IMAGES:
        fixed[member] = [
            {field: value for field, value in container.items() if field != "image"}
            for container in spec.get(member) or ()
        ]
    return fixed
