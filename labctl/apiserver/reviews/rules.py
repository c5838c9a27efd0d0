"""What may I do: SelfSubjectRulesReview lists the rules that hold for whoever asks."""

from labctl.api import causes
from labctl.api.objects import Obj
from labctl.apiserver.answers import Plain
from labctl.apiserver.authorization import MASTERS, node_name
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.request import Request
from labctl.apiserver.reviews.body import answered, read_review, refuse

_RESOURCE = ("verbs", "apiGroups", "resources", "resourceNames")
_PATH = ("verbs", "nonResourceURLs")


async def review_own_rules(backend: Backend, request: Request) -> Plain:
    """The rules of whoever asks in the review's namespace; raises 400, 422."""
    review, warnings = read_review(request)
    namespace = (review.get("spec") or {}).get("namespace") or ""
    if not namespace:
        raise refuse(request, causes.required("spec.namespace", "no namespace on request"))
    await backend.cache.fresh()
    rules = backend.authorizer.rbac.permissions(request.user).rules_in(namespace)
    state: Obj = {
        "resourceRules": [_picked(rule, _RESOURCE) for rule in rules if rule.get("resources")],
        "nonResourceRules": [_picked(rule, _PATH) for rule in rules if rule.get("nonResourceURLs")],
        "incomplete": False,
    }
    if node_name(request.user) and MASTERS not in request.user.groups:
        state["incomplete"] = True
        state["evaluationError"] = "node authorizer does not support user rule resolution"
    return answered(review, state, warnings)


def _picked(rule: Obj, members: tuple[str, ...]) -> Obj:
    return {member: rule[member] for member in members if rule.get(member)}
