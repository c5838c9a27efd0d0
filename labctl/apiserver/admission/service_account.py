"""ServiceAccount: every pod acts as an account of its namespace, `default` if it names none.

The account `default` counts as there as soon as its namespace is: its controller makes it at any
moment, and whoever creates a pod right after a namespace need not wait for that. Any other account
must exist.
"""

from labctl.api import status
from labctl.api.kinds.core import PODS, SERVICEACCOUNTS
from labctl.api.objects import Obj, annotations, name
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.admission.token_volume import with_token_volume
from labctl.errors import StatusError

DEFAULT_ACCOUNT = "default"
_MIRROR = "kubernetes.io/config.mirror"


def assign_account(circumstances: Circumstances, obj: Obj) -> Obj:
    """Gives a new pod its account, and what it has from it; raises 403 if there is none."""
    if circumstances.resource is not PODS or circumstances.subresource:
        return obj
    if circumstances.operation != "CREATE":
        return obj
    spec = obj.get("spec") or {}
    if _MIRROR in annotations(obj):
        return _checked_mirror(obj, spec)
    account_name = spec.get("serviceAccountName") or DEFAULT_ACCOUNT
    account = _account(circumstances, obj, account_name)
    given = {**spec, "serviceAccountName": account_name, "serviceAccount": account_name}
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        given["imagePullSecrets"] = account["imagePullSecrets"]
    return {**obj, "spec": with_token_volume(given, account)}


def _account(circumstances: Circumstances, pod: Obj, wanted: str) -> Obj:
    entry = circumstances.cache.get(SERVICEACCOUNTS, circumstances.namespace, wanted)
    if entry is not None:
        return entry.object
    if wanted == DEFAULT_ACCOUNT:
        return {}
    raise _forbidden(
        pod,
        f"error looking up service account {circumstances.namespace}/{wanted}: "
        f'serviceaccount "{wanted}" not found',
    )


def _checked_mirror(pod: Obj, spec: Obj) -> Obj:
    """A mirror pod shows what a node runs by itself, which can have no account."""
    if spec.get("serviceAccountName"):
        raise _forbidden(pod, "a mirror pod may not reference service accounts")
    return pod


def _forbidden(pod: Obj, why: str) -> StatusError:
    return status.forbidden(PODS, name(pod), why)
