"""The rules of roles and their bindings (pkg/apis/rbac/validation)."""

from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names, terms

_SUBJECTS = ("ServiceAccount", "User", "Group")
_GROUP = "rbac.authorization.k8s.io"


def check_role(obj: Obj) -> Iterator[Cause]:
    yield from _rules(obj, namespaced=True)


def check_cluster_role(obj: Obj) -> Iterator[Cause]:
    yield from _rules(obj, namespaced=False)
    aggregation = obj.get("aggregationRule")
    if aggregation is not None and not aggregation.get("clusterRoleSelectors"):
        field = "aggregationRule.clusterRoleSelectors"
        yield causes.required(
            field, "at least one clusterRoleSelector required if aggregationRule is non-nil"
        )


def _rules(obj: Obj, *, namespaced: bool) -> Iterator[Cause]:
    for index, rule in enumerate(obj.get("rules") or ()):
        yield from _rule(rule, f"rules[{index}]", namespaced=namespaced)


def _rule(rule: Obj, path: str, *, namespaced: bool) -> Iterator[Cause]:
    if not rule.get("verbs"):
        yield causes.required(f"{path}.verbs", "verbs must contain at least one value")
    if rule.get("nonResourceURLs"):
        yield from _path_rule(rule, path, namespaced=namespaced)
        return
    if not rule.get("apiGroups"):
        sentence = "resource rules must supply at least one api group"
        yield causes.required(f"{path}.apiGroups", sentence)
    if not rule.get("resources"):
        sentence = "resource rules must supply at least one resource"
        yield causes.required(f"{path}.resources", sentence)


def _path_rule(rule: Obj, path: str, *, namespaced: bool) -> Iterator[Cause]:
    field, urls = f"{path}.nonResourceURLs", rule["nonResourceURLs"]
    if namespaced:
        yield causes.invalid(field, urls, "namespaced rules cannot apply to non-resource URLs")
    if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
        sentence = "rules cannot apply to both regular resources and non-resource URLs"
        yield causes.invalid(field, urls, sentence)


def check_binding(obj: Obj) -> Iterator[Cause]:
    cluster = obj.get("kind") == "ClusterRoleBinding"
    yield from _reference(obj.get("roleRef") or {}, ("ClusterRole",) if cluster else _ROLE_KINDS)
    for index, subject in enumerate(obj.get("subjects") or ()):
        yield from _subject(subject, f"subjects[{index}]", namespaced=not cluster)


_ROLE_KINDS = ("Role", "ClusterRole")


def _reference(reference: Obj, kinds: tuple[str, ...]) -> Iterator[Cause]:
    if reference.get("apiGroup") != _GROUP:
        yield causes.not_supported("roleRef.apiGroup", reference.get("apiGroup") or "", (_GROUP,))
    if reference.get("kind") not in kinds:
        yield causes.not_supported("roleRef.kind", reference.get("kind") or "", kinds)
    if not reference.get("name"):
        yield causes.required("roleRef.name")


def _subject(subject: Obj, path: str, *, namespaced: bool) -> Iterator[Cause]:
    kind, name = subject.get("kind") or "", subject.get("name") or ""
    if not name:
        yield causes.required(f"{path}.name")
    if kind not in _SUBJECTS:
        yield causes.not_supported(f"{path}.kind", kind, _SUBJECTS)
        return
    account = kind == "ServiceAccount"
    group = "" if account else _GROUP
    if (subject.get("apiGroup") or "") != group:
        yield causes.not_supported(f"{path}.apiGroup", subject.get("apiGroup") or "", (group,))
    if account and name:
        yield from terms.named(names.subdomain, name, f"{path}.name")
    if account and not namespaced and not subject.get("namespace"):
        yield causes.required(f"{path}.namespace")


def check_binding_update(new: Obj, old: Obj) -> Iterator[Cause]:
    yield from terms.unchanged(
        new.get("roleRef"), old.get("roleRef"), "roleRef", "cannot change roleRef"
    )
