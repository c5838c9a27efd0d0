"""The rules of where a pod may run: node selector, affinity, tolerations, taints, spread."""

from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names, terms

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TOLERATION_OPERATORS = ("Equal", "Exists")
_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")


def check_placement(spec: Obj, path: str) -> Iterator[Cause]:
    if "nodeSelector" in spec:
        yield from terms.labels(spec["nodeSelector"], f"{path}.nodeSelector")
    for index, toleration in enumerate(spec.get("tolerations") or ()):
        yield from _toleration(toleration, f"{path}.tolerations[{index}]")
    if "affinity" in spec:
        yield from _affinity(spec["affinity"], f"{path}.affinity")
    if "topologySpreadConstraints" in spec:
        yield from _spread(spec["topologySpreadConstraints"], f"{path}.topologySpreadConstraints")


def _toleration(toleration: Obj, path: str) -> Iterator[Cause]:
    key, operator = toleration.get("key"), toleration.get("operator")
    effect = toleration.get("effect")
    if key:
        for problem in names.qualified(key):
            yield causes.invalid(f"{path}.key", key, problem)
    elif operator != "Exists":
        sentence = (
            'operator must be Exists when `key` is empty, which means "match all values and all '
            'keys"'
        )
        yield causes.invalid(f"{path}.operator", operator or "", sentence)
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        sentence = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        yield causes.invalid(f"{path}.effect", effect or "", sentence)
    yield from _toleration_value(toleration, path)
    if effect and effect not in EFFECTS:
        yield causes.not_supported(f"{path}.effect", effect, EFFECTS)


def _toleration_value(toleration: Obj, path: str) -> Iterator[Cause]:
    operator, value = toleration.get("operator"), toleration.get("value") or ""
    if not operator or operator == "Equal":
        for problem in names.label_value(value):
            yield causes.invalid(f"{path}.operator", value, problem)
    elif operator != "Exists":
        yield causes.not_supported(f"{path}.operator", operator, _TOLERATION_OPERATORS)
    elif value:
        sentence = "value must be empty when `operator` is 'Exists'"
        yield causes.invalid(f"{path}.operator", toleration, sentence)


def check_taints(taints: list[Obj], path: str) -> Iterator[Cause]:
    """The taints of a node: one for a key and effect."""
    for index, taint in enumerate(taints):
        here = f"{path}[{index}]"
        if "key" in taint:
            yield from terms.named(names.qualified, taint["key"], f"{here}.key")
        for problem in names.label_value(taint.get("value") or ""):
            yield causes.invalid(f"{here}.value", taint["value"], problem)
        if taint.get("effect") == "":
            yield causes.required(f"{here}.effect")
        else:
            yield from terms.choice(taint, "effect", EFFECTS, here)
    pairs = [f"{taint.get('key')}:{taint.get('effect')}" for taint in taints]
    yield from terms.duplicates(pairs, lambda index: f"{path}[{index}]")


def _affinity(affinity: Obj, path: str) -> Iterator[Cause]:
    node = affinity.get("nodeAffinity") or {}
    here = f"{path}.nodeAffinity"
    hard, soft = (
        "requiredDuringSchedulingIgnoredDuringExecution",
        "preferredDuringSchedulingIgnoredDuringExecution",
    )
    if hard in node:
        yield from _node_terms(node[hard], f"{here}.{hard}")
    for index, term in enumerate(node.get(soft) or ()):
        yield from _weight(term, f"{here}.{soft}[{index}]")
        preference = term.get("preference") or {}
        yield from _node_term(preference, f"{here}.{soft}[{index}].preference")
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        for index, term in enumerate(rules.get(hard) or ()):
            yield from _pod_term(term, f"{path}.{kind}.{hard}[{index}]")
        for index, term in enumerate(rules.get(soft) or ()):
            yield from _weight(term, f"{path}.{kind}.{soft}[{index}]")
            inner = term.get("podAffinityTerm") or {}
            yield from _pod_term(inner, f"{path}.{kind}.{soft}[{index}].podAffinityTerm")


def _weight(term: Obj, path: str) -> Iterator[Cause]:
    weight = term.get("weight")
    if weight is not None and not 1 <= weight <= 100:
        yield causes.invalid(f"{path}.weight", weight, "must be in the range 1-100")


def _node_terms(selector: Obj, path: str) -> Iterator[Cause]:
    given = selector.get("nodeSelectorTerms")
    if given == []:
        sentence = "must have at least one node selector term"
        yield causes.required(f"{path}.nodeSelectorTerms", sentence)
    for index, term in enumerate(given or ()):
        yield from _node_term(term, f"{path}.nodeSelectorTerms[{index}]")


def _node_term(term: Obj, path: str) -> Iterator[Cause]:
    for index, one in enumerate(term.get("matchExpressions") or ()):
        here = f"{path}.matchExpressions[{index}]"
        if "key" in one:
            yield from terms.named(names.qualified, one["key"], f"{here}.key")
        if one.get("operator") in ("Gt", "Lt"):
            if len(one.get("values") or ()) != 1:
                sentence = "must be specified single value when `operator` is 'Lt' or 'Gt'"
                yield causes.required(f"{here}.values", sentence)
        elif "operator" in one:
            yield from terms.operands(one, here)


def _pod_term(term: Obj, path: str) -> Iterator[Cause]:
    key = term.get("topologyKey")
    if key == "":
        yield causes.required(f"{path}.topologyKey", "can not be empty")
    elif key:
        for problem in names.qualified(key):
            yield causes.invalid(f"{path}.topologyKey", key, problem)
    yield from terms.label_selector(term.get("labelSelector"), f"{path}.labelSelector")


def _spread(constraints: list[Obj], path: str) -> Iterator[Cause]:
    for index, one in enumerate(constraints):
        here = f"{path}[{index}]"
        if one.get("maxSkew", 1) <= 0:
            yield causes.invalid(f"{here}.maxSkew", one["maxSkew"], "must be greater than zero")
        if "topologyKey" in one:
            yield from terms.named(names.qualified, one["topologyKey"], f"{here}.topologyKey")
        yield from terms.choice(one, "whenUnsatisfiable", _UNSATISFIABLE, here)
        yield from terms.label_selector(one.get("labelSelector"), f"{here}.labelSelector")
