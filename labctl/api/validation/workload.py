"""The rules of what makes Pods: Deployments, ReplicaSets and the rest of apps and batch.

pkg/apis/apps/validation and pkg/apis/batch/validation.
"""

from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj, name
from labctl.api.selectors import from_object
from labctl.api.validation import terms
from labctl.api.validation.pod import check_template

STRATEGIES = ("Recreate", "RollingUpdate")
_DAEMON_STRATEGIES = ("OnDelete", "RollingUpdate")
_POD_MANAGEMENT = ("OrderedReady", "Parallel")
_CONCURRENCY = ("Allow", "Forbid", "Replace")
_JOB_RESTARTS = ("OnFailure", "Never")
_MAX_CRONJOB_NAME = 52  # eleven characters are left for the time of a Job
_SCHEDULE_FIELDS = 5


def check_deployment(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    members = ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    yield from terms.not_negative(spec, members, "spec")
    yield from _selector(spec, "deployment")
    yield from _template(spec, "Deployment")
    if "strategy" in spec:
        yield from _strategy(spec["strategy"], STRATEGIES, "spec.strategy")
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if deadline is not None and deadline <= ready:
        sentence = "must be greater than minReadySeconds"
        yield causes.invalid("spec.progressDeadlineSeconds", deadline, sentence)


def check_replicaset(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    yield from terms.not_negative(spec, ("replicas", "minReadySeconds"), "spec")
    yield from _selector(spec, "replicaset")
    if "template" not in spec:
        yield causes.required("spec.template")
    yield from _template(spec, "ReplicaSet")


def check_daemonset(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    yield from terms.not_negative(spec, ("minReadySeconds", "revisionHistoryLimit"), "spec")
    yield from _selector(spec, "daemonset")
    yield from _template(spec, "DaemonSet")
    if "updateStrategy" in spec:
        yield from _strategy(spec["updateStrategy"], _DAEMON_STRATEGIES, "spec.updateStrategy")


def check_statefulset(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    members = ("replicas", "minReadySeconds", "revisionHistoryLimit")
    yield from terms.not_negative(spec, members, "spec")
    yield from _selector(spec, "statefulset")
    yield from _template(spec, "StatefulSet")
    yield from terms.choice(spec, "podManagementPolicy", _POD_MANAGEMENT, "spec")
    strategy = spec.get("updateStrategy") or {}
    yield from terms.choice(strategy, "type", _DAEMON_STRATEGIES, "spec.updateStrategy")
    rolling = strategy.get("rollingUpdate") or {}
    yield from terms.not_negative(rolling, ("partition",), "spec.updateStrategy.rollingUpdate")


def check_job(obj: Obj) -> Iterator[Cause]:
    yield from _job_spec(obj.get("spec") or {}, "spec")


def check_cronjob(obj: Obj) -> Iterator[Cause]:
    if len(name(obj)) > _MAX_CRONJOB_NAME:
        sentence = f"must be no more than {_MAX_CRONJOB_NAME} characters"
        yield causes.invalid("metadata.name", name(obj), sentence)
    spec = obj.get("spec") or {}
    schedule = spec.get("schedule")
    if schedule == "":
        yield causes.required("spec.schedule")
    elif schedule and not schedule.startswith("@") and len(schedule.split()) != _SCHEDULE_FIELDS:
        found = len(schedule.split())
        sentence = f"expected exactly {_SCHEDULE_FIELDS} fields, found {found}: {schedule.split()}"
        yield causes.invalid("spec.schedule", schedule, sentence)
    yield from terms.choice(spec, "concurrencyPolicy", _CONCURRENCY, "spec")
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    yield from _job_spec(job, "spec.jobTemplate.spec")


def _job_spec(spec: Obj, path: str) -> Iterator[Cause]:
    members = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit")
    yield from terms.not_negative(spec, members, path)
    template = spec.get("template") or {}
    yield from check_template(template, f"{path}.template")
    pod = template.get("spec") or {}
    yield from terms.choice(pod, "restartPolicy", _JOB_RESTARTS, f"{path}.template.spec")


def check_replicationcontroller(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    yield from terms.not_negative(spec, ("replicas", "minReadySeconds"), "spec")
    if not spec.get("selector"):
        yield causes.required("spec.selector")
    if "template" not in spec:
        yield causes.required("spec.template")
    else:
        yield from check_template(spec["template"], "spec.template")


def _selector(spec: Obj, kind: str) -> Iterator[Cause]:
    selector = spec.get("selector")
    if selector is None:
        return  # the schema has said so
    problems = list(terms.label_selector(selector, "spec.selector"))
    yield from problems
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        sentence = f"empty selector is invalid for {kind}"
        yield causes.invalid("spec.selector", selector, sentence)
    elif not problems and "template" in spec:
        labels = (spec["template"].get("metadata") or {}).get("labels") or {}
        if not from_object(selector).matches(labels):
            sentence = "`selector` does not match template `labels`"
            yield causes.invalid("spec.template.metadata.labels", labels, sentence)


def _template(spec: Obj, kind: str) -> Iterator[Cause]:
    """A template of Pods that run for ever, since whoever makes them replaces what ends."""
    template = spec.get("template")
    if template is None:
        return
    yield from check_template(template, "spec.template")
    pod = template.get("spec") or {}
    if pod.get("restartPolicy", "Always") != "Always":
        field = "spec.template.spec.restartPolicy"
        yield causes.not_supported(field, pod["restartPolicy"], ("Always",))
    if "activeDeadlineSeconds" in pod:
        sentence = f"activeDeadlineSeconds in {kind} is not Supported"
        yield causes.forbidden("spec.template.spec.activeDeadlineSeconds", sentence)


def _strategy(strategy: Obj, supported: tuple[str, ...], path: str) -> Iterator[Cause]:
    yield from terms.choice(strategy, "type", supported, path)
    rolling, kind = strategy.get("rollingUpdate"), strategy.get("type")
    if rolling is None:
        return
    if kind == "Recreate":
        sentence = "may not be specified when strategy `type` is 'Recreate'"
        yield causes.forbidden(f"{path}.rollingUpdate", sentence)
    elif kind == "RollingUpdate":
        yield from _rolling(rolling, f"{path}.rollingUpdate")


def _rolling(rolling: Obj, path: str) -> Iterator[Cause]:
    surge, unavailable = rolling.get("maxSurge", 0), rolling.get("maxUnavailable", 0)
    yield from terms.int_or_percent(unavailable, f"{path}.maxUnavailable")
    yield from terms.int_or_percent(surge, f"{path}.maxSurge")
    if surge in _NONE and unavailable in _NONE:
        sentence = "may not be 0 when `maxSurge` is 0"
        yield causes.invalid(f"{path}.maxUnavailable", unavailable, sentence)
    if isinstance(unavailable, str) and unavailable[:-1].isdigit() and int(unavailable[:-1]) > 100:
        sentence = "must not be greater than 100%"
        yield causes.invalid(f"{path}.maxUnavailable", unavailable, sentence)


_NONE = (0, "0%")


def check_selector_update(new: Obj, old: Obj) -> Iterator[Cause]:
    """The selector says which Pods are whose; it stays what it was."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    yield from terms.unchanged(after.get("selector"), before.get("selector"), "spec.selector")


_STATEFULSET_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


def check_statefulset_update(new: Obj, old: Obj) -> Iterator[Cause]:
    after, before = _fixed(new), _fixed(old)
    if after != before:
        *listed, last = [f"'{one}'" for one in _STATEFULSET_MUTABLE]
        sentence = (
            "updates to statefulset spec for fields other than "
            f"{', '.join(listed)} and {last} are forbidden"
        )
        yield causes.forbidden("spec", sentence)


def _fixed(obj: Obj) -> Obj:
    spec = obj.get("spec") or {}
    return {key: value for key, value in spec.items() if key not in _STATEFULSET_MUTABLE}


def check_job_update(new: Obj, old: Obj) -> Iterator[Cause]:
    after, before = new.get("spec") or {}, old.get("spec") or {}
    for member in ("completions", "selector", "template", "completionMode"):
        yield from terms.unchanged(after.get(member), before.get(member), f"spec.{member}")
