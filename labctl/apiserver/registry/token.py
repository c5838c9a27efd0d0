"""The subresource token of a ServiceAccount: a TokenRequest is answered, and not stored."""

import time
from dataclasses import replace

from labctl.api import causes, status
from labctl.api.causes import Cause
from labctl.api.kinds.authentication import TOKENREQUESTS
from labctl.api.kinds.core import NODES, PODS, SECRETS
from labctl.api.objects import Obj, format_time, name, namespace, uid
from labctl.api.resource import Resource
from labctl.api.tokens import request_claims
from labctl.apiserver.answers import Plain
from labctl.apiserver.authentication.tokens import AUDIENCES
from labctl.apiserver.decoding import decode_object
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.metadata import check_location
from labctl.apiserver.request import Request, Target
from labctl.apiserver.validation import shaped

_DEFAULT_SECONDS, _LEAST_SECONDS, _MOST_SECONDS = 3600, 600, 1 << 32
_BINDABLE = {(one.api_version, one.kind): one for one in (PODS, SECRETS, NODES)}


async def request_token(backend: Backend, request: Request) -> Plain:
    """201 with a token for the account; raises 400, 403, 404, 409, 422."""
    sent = _read(request)
    warnings = _checked(request, sent)
    spec = sent.get("spec") or {}
    account = (await backend.read(request.resource, request.namespace, request.name)).object
    backend.admission.admit(backend.circumstances(request, "CREATE"), sent)
    bound = await _bound(backend, account, spec.get("boundObjectRef"))
    now, seconds = int(time.time()), spec.get("expirationSeconds", _DEFAULT_SECONDS)
    audiences = spec.get("audiences") or list(AUDIENCES)
    token = backend.tokens.sign(request_claims(account, bound, audiences, now, seconds))
    metadata = {**sent["metadata"], "name": name(account), "namespace": namespace(account)}
    answer = {
        **sent,
        "metadata": metadata,
        "spec": {**spec, "audiences": audiences, "expirationSeconds": seconds},
        "status": {"token": token, "expirationTimestamp": format_time(now + seconds)},
    }
    return Plain(answer, 201, warnings)


def _read(request: Request) -> Obj:
    """The TokenRequest in a request; an empty body asks for a plain one."""
    target = Target(TOKENREQUESTS, request.namespace, request.name)
    sent = decode_object(replace(request, target=target, body=request.body or {}))
    check_location(request, sent["metadata"])
    return sent


def _checked(request: Request, sent: Obj) -> list[str]:
    """The warnings for what is sent; raises 400, 422."""
    _, warnings = shaped(request, sent, TOKENREQUESTS)
    found = _wrong_duration((sent.get("spec") or {}).get("expirationSeconds"))
    if found:
        raise status.invalid(TOKENREQUESTS, request.name, found)
    return list(warnings)


def _wrong_duration(seconds: int | None) -> list[Cause]:
    field = "spec.expirationSeconds"
    if seconds is not None and seconds < _LEAST_SECONDS:
        sentence = "may not specify a duration less than 10 minutes"
        return [causes.invalid(field, seconds, sentence)]
    if seconds is not None and seconds > _MOST_SECONDS:
        return [
            causes.invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")
        ]
    return []


async def _bound(backend: Backend, account: Obj, reference: Obj | None) -> list[Obj]:
    """The objects with which the token ends; raises 400, 404, 409 for those it cannot have."""
    if not reference:
        return []
    resource = _bindable(reference)
    space = namespace(account) if resource.namespaced else ""
    obj = (await backend.read(resource, space, reference.get("name") or "")).object
    if reference.get("uid") and reference["uid"] != uid(obj):
        why = (
            f"the UID in the bound object reference ({reference['uid']}) does not match the UID "
            "in record. The object might have been deleted and then recreated"
        )
        raise status.conflict(resource, name(obj), why)
    if resource is not PODS:
        return [obj]
    if (obj["spec"].get("serviceAccountName") or "default") != name(account):
        raise status.bad_request(
            f'cannot bind token for serviceaccount "{name(account)}" to pod running with '
            "different serviceaccount name."
        )
    node = backend.cache.get(NODES, "", obj["spec"].get("nodeName") or "")
    return [obj, node.object] if node else [obj]


def _bindable(reference: Obj) -> Resource:
    kind = (reference.get("apiVersion") or "v1", reference.get("kind") or "")
    if kind not in _BINDABLE:
        raise status.bad_request(
            f"cannot bind token to object of type {kind[0]}, Kind={kind[1]}: "
            "only Pod, Secret and Node of v1 can be"
        )
    return _BINDABLE[kind]
