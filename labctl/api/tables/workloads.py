"""The rows of what makes Pods: apps and batch."""

from typing import Any

from labctl.api.kinds.apps import (
    CONTROLLERREVISIONS,
    DAEMONSETS,
    DEPLOYMENTS,
    REPLICASETS,
    STATEFULSETS,
)
from labctl.api.kinds.batch import CRONJOBS, JOBS
from labctl.api.kinds.core import REPLICATIONCONTROLLERS
from labctl.api.objects import Obj, controller_of, is_condition_true, is_deleting, name, parse_time
from labctl.api.tables.columns import AGE, NAME, Printer, number, text, wide
from labctl.api.tables.pods import containers_and_images
from labctl.api.tables.text import (
    NONE,
    age,
    duration,
    labels_text,
    selector_text,
    since,
    spec,
    status,
)

_TEMPLATE = (wide("Containers"), wide("Images"))
_WIDE = (*_TEMPLATE, wide("Selector"))


def _pod_spec(obj: Obj) -> Obj:
    return spec(spec(obj).get("template") or {})


def _template_cells(obj: Obj) -> list[str]:
    return containers_and_images(_pod_spec(obj))


def _wide_cells(obj: Obj) -> list[str]:
    return [*_template_cells(obj), selector_text(spec(obj).get("selector"))]


def _count(obj: Obj, field: str) -> int:
    return int(status(obj).get(field) or 0)


def _ready(obj: Obj) -> str:
    return f"{_count(obj, 'readyReplicas')}/{spec(obj).get('replicas') or 0}"


def _deployment(obj: Obj, now: float) -> list[Any]:
    updated, available = _count(obj, "updatedReplicas"), _count(obj, "availableReplicas")
    return [name(obj), _ready(obj), updated, available, age(obj, now), *_wide_cells(obj)]


def _replicas(obj: Obj) -> list[Any]:
    wanted = spec(obj).get("replicas") or 0
    return [name(obj), wanted, _count(obj, "replicas"), _count(obj, "readyReplicas")]


def _replicaset(obj: Obj, now: float) -> list[Any]:
    return [*_replicas(obj), age(obj, now), *_wide_cells(obj)]


def _replicationcontroller(obj: Obj, now: float) -> list[Any]:
    selector = labels_text(spec(obj).get("selector"))
    return [*_replicas(obj), age(obj, now), *_template_cells(obj), selector]


def _daemonset(obj: Obj, now: float) -> list[Any]:
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return [
        name(obj),
        *(_count(obj, field) for field in fields),
        labels_text(_pod_spec(obj).get("nodeSelector")),
        age(obj, now),
        *_wide_cells(obj),
    ]


def _statefulset(obj: Obj, now: float) -> list[Any]:
    return [name(obj), _ready(obj), age(obj, now), *_template_cells(obj)]


def _job(obj: Obj, now: float) -> list[Any]:
    return [
        name(obj),
        _job_status(obj),
        _completions(obj),
        _job_duration(obj, now),
        age(obj, now),
        *_wide_cells(obj),
    ]


def _job_status(obj: Obj) -> str:
    for condition, word in (("Complete", "Complete"), ("Failed", "Failed")):
        if is_condition_true(obj, condition):
            return word
    if is_deleting(obj):
        return "Terminating"
    for condition in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if is_condition_true(obj, condition):
            return condition
    return "Running"


def _completions(obj: Obj) -> str:
    done, wanted = _count(obj, "succeeded"), spec(obj).get("completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallel = spec(obj).get("parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _job_duration(obj: Obj, now: float) -> str:
    start, end = status(obj).get("startTime"), status(obj).get("completionTime")
    if not start:
        return ""
    return duration(parse_time(end) - parse_time(start)) if end else since(start, now)


def _cronjob(obj: Obj, now: float) -> list[Any]:
    last = status(obj).get("lastScheduleTime")
    template = spec(spec(spec(obj).get("jobTemplate") or {}).get("template") or {})
    return [
        name(obj),
        spec(obj).get("schedule") or "",
        spec(obj).get("timeZone") or NONE,
        str(bool(spec(obj).get("suspend"))),
        len(status(obj).get("active") or ()),
        since(last, now) if last else NONE,
        age(obj, now),
        *containers_and_images(template),
        NONE,
    ]


def _revision(obj: Obj, now: float) -> list[Any]:
    owner = controller_of(obj)
    controller = f"{owner['kind'].lower()}/{owner['name']}" if owner else NONE
    return [name(obj), controller, obj.get("revision", 0), age(obj, now)]


_REPLICAS = (NAME, number("Desired"), number("Current"), number("Ready"), AGE, *_WIDE)

PRINTERS = {
    DEPLOYMENTS: Printer(
        (NAME, text("Ready"), number("Up-to-date"), number("Available"), AGE, *_WIDE), _deployment
    ),
    REPLICASETS: Printer(_REPLICAS, _replicaset),
    REPLICATIONCONTROLLERS: Printer(_REPLICAS, _replicationcontroller),
    DAEMONSETS: Printer(
        (
            NAME,
            number("Desired"),
            number("Current"),
            number("Ready"),
            number("Up-to-date"),
            number("Available"),
            text("Node Selector"),
            AGE,
            *_WIDE,
        ),
        _daemonset,
    ),
    STATEFULSETS: Printer((NAME, text("Ready"), AGE, *_TEMPLATE), _statefulset),
    JOBS: Printer((NAME, text("Status"), text("Completions"), text("Duration"), AGE, *_WIDE), _job),
    CRONJOBS: Printer(
        (
            NAME,
            text("Schedule"),
            text("Timezone"),
            text("Suspend"),
            number("Active"),
            text("Last Schedule"),
            AGE,
            *_WIDE,
        ),
        _cronjob,
    ),
    CONTROLLERREVISIONS: Printer((NAME, text("Controller"), number("Revision"), AGE), _revision),
}
