"""What clients get wrong: each gets the right code and reason, and nothing changes. Never a 500."""

import json
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import NAMESPACES, NODES, PODS
from labctl.api.objects import Obj
from labctl.client.client import Client
from tests.apiserver.https import listening
from tests.apiserver.serving import client, deployment, node, pod, run

_CORE = "/api/v1/namespaces/default"
_APPS = "/apis/apps/v1/namespaces/default"
_POD = f"{_CORE}/pods/web"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_PROTOBUF = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True)
class Case:
    """A request, and the answer that it must get; `says` is a part of the message."""

    what: str
    method: str
    path: str
    code: int
    reason: str
    says: str = ""
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    content_type: str | None = "application/json"

    @property
    def data(self) -> BytesIO | None:
        if self.body is None:
            return None
        if isinstance(self.body, bytes):
            return BytesIO(self.body)
        return BytesIO(json.dumps(self.body).encode())


def changed(obj: Obj, *path: Any, to: Any) -> Obj:
    """A copy of an object with the member at a path set, or taken away if `to` is None."""
    copy: Obj = json.loads(json.dumps(obj))
    inner: Any = copy
    for step in path[:-1]:
        inner = inner[step]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return copy


def nested(levels: int) -> bytes:
    return b'{"metadata":{"name":"x"},"data":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


NEW = pod("new")
BAD, INVALID = (400, "BadRequest"), (422, "Invalid")

CASES = [
    # Bodies that are not what they should be.
    Case("no body", "POST", f"{_CORE}/pods", *BAD),
    Case("not JSON", "POST", f"{_CORE}/pods", *BAD, "json parse error", b"{"),
    Case("a list", "POST", f"{_CORE}/pods", *BAD, "JSON object", []),
    Case("a string", "POST", f"{_CORE}/pods", *BAD, "JSON object", b'"pod"'),
    Case("bad UTF-8", "POST", f"{_CORE}/pods", *BAD, "", b'{"metadata":{"name":"\xff\xfe"}}'),
    Case("lone surrogate", "POST", f"{_CORE}/configmaps", *BAD, "",
         b'{"metadata":{"name":"x"},"data":{"a":"\\ud800"}}'),
    Case("100 levels", "POST", f"{_CORE}/configmaps", *BAD, "data", nested(100)),
    Case("900 levels", "POST", f"{_CORE}/configmaps", *BAD, "", nested(900)),
    Case("100,000 levels", "POST", f"{_CORE}/configmaps", *BAD, "", nested(100_000)),
    Case("4 MB", "POST", f"{_CORE}/configmaps", 413, "RequestEntityTooLarge", "3145728",
         b'{"metadata":{"name":"x"},"data":{"a":"' + b"x" * 4_000_000 + b'"}}'),
    Case("a huge number", "POST", f"{_APPS}/deployments", *BAD, "",
         changed(deployment("new"), "spec", "replicas", to=10**400)),
    Case("broken YAML", "POST", f"{_CORE}/pods", *BAD, "line 1",
         b"kind: [Pod", content_type="application/yaml"),
    Case("YAML of two equal keys", "POST", f"{_CORE}/pods", *BAD, "line 2",
         b"kind: Pod\nkind: Pod", content_type="application/yaml"),
    Case("YAML that is text", "POST", f"{_CORE}/pods", *BAD, "", b"pod", content_type="application/yaml"),
    Case("no YAML", "POST", f"{_CORE}/pods", *BAD, "", b"# none\n", content_type="application/yaml"),
    Case("YAML that is no UTF-8", "POST", f"{_CORE}/pods", *BAD, "", b"\xff", content_type="application/yaml"),
    Case("YAML without end", "POST", f"{_CORE}/configmaps", *BAD, "values",
         b"[" + b"a," * 100_000 + b"]", content_type="application/yaml"),
    Case("XML", "POST", f"{_CORE}/pods", 415, "UnsupportedMediaType",
         "accepted media types include: application/json, application/yaml, "
         "application/vnd.kubernetes.protobuf", b"<pod/>", content_type="application/xml"),
    Case("a form", "POST", f"{_CORE}/pods", 415, "UnsupportedMediaType", "", b"a=b",
         content_type="application/x-www-form-urlencoded"),
    Case("no protobuf", "POST", f"{_CORE}/pods", *BAD, "expected prefix [107 56 115 0]",
         b"{}", content_type=_PROTOBUF),
    Case("empty protobuf", "POST", f"{_CORE}/pods", *BAD, "empty body", b"k8s\0",
         content_type=_PROTOBUF),
    Case("half a protobuf", "POST", f"{_CORE}/pods", *BAD, "unexpected EOF", b"k8s\0\x12\x7f\x0a",
         content_type=_PROTOBUF),
    Case("protobuf without a type", "POST", f"{_CORE}/pods", *BAD, "wireType", b"k8s\0\x10\x01",
         content_type=None),
    Case("protobuf of another kind", "POST", f"{_CORE}/pods", *BAD,
         'Node in version "v1" cannot be handled as a Pod',
         b"k8s\0\x0a\x0a\x0a\x02v1\x12\x04Node", content_type=_PROTOBUF),
    Case("protobuf of no kind", "POST", f"{_CORE}/pods", *BAD,
         'no kind "Nope" is registered for version "v1"',
         b"k8s\0\x0a\x0a\x0a\x02v1\x12\x04Nope", content_type=_PROTOBUF),
    # Objects of the wrong kind, place or shape.
    Case("another kind", "POST", f"{_CORE}/pods", *BAD,
         'Node in version "v1" cannot be handled as a Pod', node("new")),
    Case("another version", "POST", f"{_APPS}/deployments", *BAD,
         "the API version in the data (apps/v1beta1) does not match the expected API version",
         changed(deployment("new"), "apiVersion", to="apps/v1beta1")),
    Case("a kind that is no text", "POST", f"{_CORE}/pods", *BAD, "", changed(NEW, "kind", to=7)),
    Case("another namespace", "POST", f"{_CORE}/pods", *BAD,
         "the namespace of the provided object does not match the namespace sent on the request",
         changed(NEW, "metadata", "namespace", to="kube-system")),
    Case("another name", "PUT", _POD, *BAD,
         "the name of the object (new) does not match the name on the URL (web)", NEW),
    Case("no namespace", "POST", "/api/v1/pods", *BAD, "", changed(NEW, "metadata", "namespace", to=None)),
    Case("metadata that is text", "POST", f"{_CORE}/pods", *BAD, "metadata", {"metadata": "x"}),
    Case("a name that is a number", "POST", f"{_CORE}/pods", *BAD, "metadata.name",
         changed(NEW, "metadata", "name", to=7)),
    Case("labels that are a list", "POST", f"{_CORE}/pods", *BAD, "metadata.labels",
         changed(NEW, "metadata", "labels", to=["a"])),
    Case("replicas that are text", "POST", f"{_APPS}/deployments", *BAD, "spec.replicas",
         changed(deployment("new"), "spec", "replicas", to="3")),
    Case("containers that are a mapping", "POST", f"{_CORE}/pods", *BAD, "spec.containers",
         changed(NEW, "spec", "containers", to={"a": 1})),
    Case("a version on a new object", "POST", f"{_CORE}/pods", *BAD,
         "resourceVersion should not be set on objects to be created",
         changed(NEW, "metadata", "resourceVersion", to="7")),
    # Objects that break rules.
    Case("no name", "POST", f"{_CORE}/pods", *INVALID,
         "metadata.name: Required value: name or generateName is required",
         changed(NEW, "metadata", "name", to=None)),
    Case("a bad name", "POST", f"{_CORE}/pods", *INVALID, 'metadata.name: Invalid value: "New_Pod"',
         changed(NEW, "metadata", "name", to="New_Pod")),
    Case("a bad label", "POST", f"{_CORE}/pods", *INVALID, "metadata.labels",
         changed(NEW, "metadata", "labels", to={"a": "not a label!"})),
    Case("no containers", "POST", f"{_CORE}/pods", *INVALID, "spec.containers",
         changed(NEW, "spec", "containers", to=[])),
    Case("two containers of one name", "POST", f"{_CORE}/pods", *INVALID, "Duplicate value",
         changed(NEW, "spec", "containers", to=[{"name": "a", "image": "i"}] * 2)),
    Case("negative replicas", "POST", f"{_APPS}/deployments", *INVALID, "spec.replicas",
         changed(deployment("new"), "spec", "replicas", to=-1)),
    Case("a selector that does not match", "POST", f"{_APPS}/deployments", *INVALID,
         "`selector` does not match template `labels`",
         changed(deployment("new"), "spec", "selector", to={"matchLabels": {"a": "b"}})),
    Case("a new selector", "PUT", f"{_APPS}/deployments/web", *INVALID, "field is immutable",
         changed(changed(deployment("web"), "spec", "selector", to={"matchLabels": {"a": "b"}}),
                 "spec", "template", "metadata", "labels", to={"a": "b"})),
    Case("another image and node", "PATCH", _POD, *INVALID, "pod updates may not change fields",
         {"spec": {"nodeName": "node9"}}, content_type=_MERGE),
    # Patches.
    Case("an unknown kind of patch", "PATCH", _POD, 415, "UnsupportedMediaType", "", {},
         content_type="application/json"),
    Case("a patch that is a list", "PATCH", _POD, *BAD, "", [], content_type=_MERGE),
    Case("a strategic patch that is text", "PATCH", _POD, *BAD, "", b'"x"', content_type=_STRATEGIC),
    Case("a JSON patch that is an object", "PATCH", _POD, *BAD, "", {}, content_type=_JSON_PATCH),
    Case("an operation without a path", "PATCH", _POD, *INVALID, "", [{"op": "remove"}],
         content_type=_JSON_PATCH),
    Case("removing what is not there", "PATCH", _POD, *INVALID, "",
         [{"op": "remove", "path": "/spec/nope"}], content_type=_JSON_PATCH),
    Case("a patch that takes metadata away", "PATCH", _POD, *BAD, "",
         [{"op": "remove", "path": "/metadata"}], content_type=_JSON_PATCH),
    Case("a patch to another kind", "PATCH", _POD, *INVALID, "patch: Invalid value", {"kind": "Node"}, content_type=_MERGE),
    Case("a patch to another name", "PATCH", _POD, *BAD, "does not match the name on the URL",
         {"metadata": {"name": "x"}}, content_type=_MERGE),
    Case("a patch to a wrong type", "PATCH", _POD, *INVALID, "spec.containers",
         {"spec": {"containers": "x"}}, content_type=_MERGE),
    Case("a patch with an old version", "PATCH", _POD, 409, "Conflict", "the object has been modified",
         {"metadata": {"resourceVersion": "1"}}, content_type=_MERGE),
    # What is not there.
    Case("no such pod", "GET", f"{_CORE}/pods/nope", 404, "NotFound", 'pods "nope" not found'),
    Case("no such deployment", "PATCH", f"{_APPS}/deployments/nope", 404, "NotFound",
         'deployments.apps "nope" not found', {}, content_type=_MERGE),
    Case("no such namespace", "POST", "/api/v1/namespaces/nope/pods", 404, "NotFound",
         'namespaces "nope" not found', changed(NEW, "metadata", "namespace", to="nope")),
    Case("no such kind", "GET", f"{_CORE}/gadgets", 404, "NotFound",
         "the server could not find the requested resource"),
    Case("no such group", "GET", "/apis/example.com/v1/gadgets", 404, "NotFound"),
    Case("no such version", "GET", "/apis/apps/v1beta1/deployments", 404, "NotFound"),
    Case("no such subresource", "GET", f"{_POD}/nope", 404, "NotFound"),
    Case("a subresource of another kind", "GET", f"{_POD}/scale", 404, "NotFound"),
    Case("a pod without its namespace", "GET", "/api/v1/pods/web", 404, "NotFound"),
    Case("a node in a namespace", "GET", f"{_CORE}/nodes/node1", 404, "NotFound"),
    Case("too long a path", "GET", f"{_POD}/status/more", 404, "NotFound"),
    # Methods.
    Case("POST of one object", "POST", _POD, 405, "MethodNotAllowed", "", NEW),
    Case("PUT of a collection", "PUT", f"{_CORE}/pods", 405, "MethodNotAllowed", "", NEW),
    Case("GET of a binding", "GET", f"{_POD}/binding", 405, "MethodNotAllowed"),
    Case("OPTIONS", "OPTIONS", f"{_CORE}/pods", 405, "MethodNotAllowed"),
    Case("all namespaces gone", "DELETE", "/api/v1/namespaces", 405, "MethodNotAllowed"),
    # Queries.
    Case("a bad label selector", "GET", f"{_CORE}/pods", *BAD, "unable to parse requirement",
         query={"labelSelector": "a in ("}),
    Case("a bad field selector", "GET", f"{_CORE}/pods", *BAD, "invalid field selector",
         query={"fieldSelector": "spec.nodeName"}),
    Case("a field that is not offered", "GET", f"{_CORE}/pods", *BAD,
         "field label not supported: spec.hostname", query={"fieldSelector": "spec.hostname=a"}),
    Case("a bad limit", "GET", f"{_CORE}/pods", *BAD, "limit", query={"limit": "many"}),
    Case("a bad continue", "GET", f"{_CORE}/pods", *BAD, "continue", query={"continue": "!!!"}),
    Case("another continue", "GET", f"{_CORE}/pods", *BAD, "continue", query={"continue": "e30"}),
    Case("a bad version", "GET", f"{_CORE}/pods", *BAD, "resourceVersion",
         query={"resourceVersion": "new"}),
    Case("a bad watch version", "GET", f"{_CORE}/pods", *BAD, "resourceVersion",
         query={"watch": "1", "resourceVersion": "-1"}),
    Case("a bad time", "GET", f"{_CORE}/pods", *BAD, "timeoutSeconds",
         query={"watch": "1", "timeoutSeconds": "soon"}),
    Case("a bad dry run", "POST", f"{_CORE}/pods", *INVALID,
         'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value', NEW, query={"dryRun": "Some"}),
    Case("a bad field validation", "POST", f"{_CORE}/pods", *INVALID, "fieldValidation", NEW,
         query={"fieldValidation": "Maybe"}),
    # Deletion.
    Case("options that are a list", "DELETE", _POD, *BAD, "", []),
    Case("options of another kind", "DELETE", _POD, *BAD, "", {"kind": "Pod"}),
    Case("grace that is text", "DELETE", _POD, *BAD, "gracePeriodSeconds", {"gracePeriodSeconds": "x"}),
    Case("grace that is a fraction", "DELETE", _POD, *BAD, "", {"gracePeriodSeconds": 1.5}),
    Case("an unknown policy", "DELETE", _POD, *INVALID, "propagationPolicy", {"propagationPolicy": "All"}),
    Case("a policy that is a list", "DELETE", _POD, *INVALID, "", {"propagationPolicy": ["Orphan"]}),
    Case("another uid", "DELETE", _POD, 409, "Conflict", "UID in precondition",
         {"preconditions": {"uid": "x"}}),
    Case("a uid that is a number", "DELETE", _POD, *BAD, "", {"preconditions": {"uid": 7}}),
    Case("options that are no protobuf", "DELETE", _POD, *BAD, "expected prefix", b"{}",
         content_type=_PROTOBUF),
    # Subresources.
    Case("a binding without a target", "POST", f"{_POD}/binding", *INVALID, "target.name", {}),
    Case("a binding to a pod", "POST", f"{_POD}/binding", *INVALID, "target.kind",
         {"target": {"kind": "Pod", "name": "x"}}),
    Case("a binding that is text", "POST", f"{_POD}/binding", *BAD, "", b'"x"'),
    Case("a binding whose target is text", "POST", f"{_POD}/binding", *BAD, "", {"target": "x"}),
    Case("an eviction of another kind", "POST", f"{_POD}/eviction", *BAD, "", {"apiVersion": "v9"}),
    Case("a scale that is text", "PUT", f"{_APPS}/deployments/web/scale", *BAD, "", {"spec": "x"}),
    Case("a status of a wrong type", "PATCH", f"{_POD}/status", *INVALID, "status.phase",
         {"status": {"phase": 7}}, content_type=_MERGE),
    Case("exec without an upgrade", "POST", f"{_POD}/exec", 404, "NotFound"),
]  # fmt: skip


def test_everything_that_clients_get_wrong(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            await make_objects(client(site.server))
            before = site.server.cache.revision
            wrong = []
            for case in CASES:
                problem = await try_case(session, case)
                if problem:
                    wrong.append(f"{case.what}: {problem}")
            assert not wrong, "\n".join(wrong)
            await site.server.cache.fresh()
            assert site.server.cache.revision == before

    run(main())


async def make_objects(api: Client) -> None:
    await api.create(NODES, node("node1"))
    await api.create(PODS, pod("web"))
    await api.create(DEPLOYMENTS, deployment("web"))
    await api.get(NAMESPACES, "default")


async def try_case(session: aiohttp.ClientSession, case: Case) -> str:
    """What was not as expected, or ""."""
    headers = (
        {"Content-Type": case.content_type} if case.content_type and case.body is not None else {}
    )
    answer = await session.request(
        case.method,
        case.path,
        params=case.query,
        data=case.data,
        headers=headers,
        skip_auto_headers=["Content-Type"],
    )
    body = await answer.json()
    got = (answer.status, body.get("kind"), body.get("code"), body.get("reason"))
    if got != (case.code, "Status", case.code, case.reason):
        return f"{got} {body.get('message')}"
    if case.says not in body["message"]:
        return f"says {body['message']!r}"
    return ""
