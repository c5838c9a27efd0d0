"""Writes that clients get wrong: patches of every kind, options, what may not be changed.

Each gets the code and reason that Kubernetes gives, and nothing is stored.
"""

from pathlib import Path
from typing import Any

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.batch import JOBS
from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import CONFIGMAPS, PODS, SECRETS, SERVICES
from labctl.api.objects import Obj
from tests.apiserver.https import listening
from tests.apiserver.serving import client, config_map, deployment, pod, run
from tests.apiserver.test_bad_input import BAD, INVALID, NEW, Case, changed, try_case

_CORE = "/api/v1/namespaces/default"
_APPS = "/apis/apps/v1/namespaces/default"
_WEB = f"{_APPS}/deployments/web"
_POD = f"{_CORE}/pods/web"
_NOT_TAKEN = (415, "UnsupportedMediaType")
_CONFLICT = (409, "Conflict")

_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_APPLY = "application/apply-patch+yaml"


Code = tuple[int, str]


def strategic(what: str, patch: Any, says: str, at: str = _WEB) -> Case:
    return Case(what, "PATCH", at, *BAD, says, patch, content_type=_STRATEGIC)


def operations(what: str, *ops: Obj, code: Code = INVALID, says: str = "") -> Case:
    return Case(what, "PATCH", _POD, *code, says, list(ops), content_type=_JSON_PATCH)


def merge(what: str, at: str, code: Code, says: str, patch: Any) -> Case:
    return Case(what, "PATCH", at, *code, says, patch, content_type=_MERGE)


def applying(what: str, code: Code, says: str, config: Any, at: str = _WEB, **query: str) -> Case:
    query = {"fieldManager": "me", **query}
    return Case(what, "PATCH", at, *code, says, config, query, content_type=_APPLY)


def containers(*items: Any) -> Obj:
    return {"spec": {"template": {"spec": {"containers": list(items)}}}}


CONFIG = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
DUPLICATE = b'{"metadata":{"name":"x"},"data":{"a":"1","a":"2"},"data":{}}'
ANNOTATIONS = {"a/b": "x" * (256 * 1024)}

CASES = [
    # Strategic merge patches.
    strategic("an unknown directive", {"spec": {"$patch": "explode"}}, "unknown patch type"),
    strategic("merge as a directive", {"spec": {"$patch": "merge"}}, "unknown patch type"),
    strategic("a made-up directive", {"spec": {"$keep": ["a"]}}, "$keep"),
    strategic("an item without its key", containers({"image": "a"}), "merge key: name"),
    strategic("an item to be exploded", containers({"name": "main", "$patch": "x"}), ""),
    strategic("an order that is text", {"spec": {"template": {"spec": {
        "$setElementOrder/containers": "x", "containers": [{"name": "main"}]}}}}, "$setElementOrder"),
    strategic("another order than that of the list", {"spec": {"template": {"spec": {
        "$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "main"}]}}}},
        "$setElementOrder"),
    strategic("keys to retain that are text", {"spec": {"strategy": {"$retainKeys": "type"}}}, ""),
    strategic("more keys than are retained",
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate", "rollingUpdate": {}}}},
        "$retainKeys"),
    strategic("a deletion that is text",
        {"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}}, ""),
    # JSON patches.
    operations("a failed test", {"op": "test", "path": "/metadata/name", "value": "db"}),
    operations("one bad operation among good ones",
        {"op": "add", "path": "/metadata/labels/a", "value": "b"},
        {"op": "remove", "path": "/spec/nope"}),
    operations("a move from nowhere", {"op": "move", "from": "/spec/nope", "path": "/spec/x"}),
    operations("a copy from nowhere", {"op": "copy", "from": "/spec/nope", "path": "/spec/x"}),
    operations("a pointer without a slash", {"op": "remove", "path": "spec"}),
    operations("an index beyond the list", {"op": "remove", "path": "/spec/containers/7"}),
    operations("an unknown operation", {"op": "rename", "path": "/spec"}),
    operations("replacing the whole by text", {"op": "replace", "path": "", "value": "x"}, code=BAD),
    operations("too many operations",
        *[{"op": "test", "path": "/metadata/name", "value": "web"}] * 10_001,
        code=(413, "RequestEntityTooLarge"), says="10000"),
    # Who and where an object is.
    merge("another uid", _POD, INVALID, "metadata.uid: Invalid value", {"metadata": {"uid": "x"}}),
    merge("another namespace", _POD, BAD, "namespace", {"metadata": {"namespace": "kube-system"}}),
    merge("another version", _WEB, INVALID, "patch", {"apiVersion": "apps/v1beta1"}),
    merge("no name", _POD, BAD, "name must be provided", {"metadata": {"name": None}}),
    merge("an unknown field, strictly", f"{_POD}?fieldValidation=Strict", INVALID,
        'strict decoding error: unknown field "spec.nope"', {"spec": {"nope": 1}}),
    merge("force without apply", f"{_POD}?force=true", INVALID,
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden', {}),
    Case("an empty patch body", "PATCH", _POD, *BAD, "", b"", content_type=_MERGE),
    Case("a patch of bad UTF-8", "PATCH", _POD, *BAD, "", b'{"a":"\xff"}', content_type=_MERGE),
    Case("a patch of CBOR", "PATCH", _POD, *_NOT_TAKEN, _APPLY, b"x",
        content_type="application/apply-patch+cbor"),
    Case("a PUT that names no version", "PUT",
        "/apis/coordination.k8s.io/v1/namespaces/default/leases/lease", *INVALID,
        "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update",
        {"metadata": {"name": "lease"}, "spec": {"holderIdentity": "x"}}),
    # Options.
    Case("a long manager", "POST", f"{_CORE}/pods", *INVALID, "fieldManager: Too long", NEW,
        {"fieldManager": "m" * 129}),
    Case("a manager that cannot be printed", "POST", f"{_CORE}/pods", *INVALID,
        "invalid character U+0007 (at position 1)", NEW, {"fieldManager": "a\ab"}),
    Case("a dry run of a deletion", "DELETE", _POD, *INVALID, "dryRun", query={"dryRun": "Maybe"}),
    Case("members there twice, strictly", "POST", f"{_CORE}/configmaps", *BAD,
        'strict decoding error: duplicate field "data.a", duplicate field "data"', DUPLICATE,
        {"fieldValidation": "Strict"}),
    Case("members there twice in a patch", "PATCH", f"{_CORE}/configmaps/fixed", *INVALID,
        'duplicate field "data.a"', DUPLICATE.replace(b"x", b"fixed"),
        {"fieldValidation": "Strict"}, content_type=_MERGE),
    # What stays as it was made.
    merge("a pod's container", _POD, INVALID, "spec.containers: Forbidden",
        {"spec": {"containers": []}}),
    merge("a pod's node selector", _POD, INVALID, "spec: Forbidden: pod updates may not change",
        {"spec": {"nodeSelector": {"a": "b"}}}),
    merge("a deployment's selector", _WEB, INVALID, "spec.selector: Invalid value",
        {"spec": {"selector": {"matchLabels": {"a": "b"}},
                  "template": {"metadata": {"labels": {"a": "b"}}}}}),
    merge("a service's address", f"{_CORE}/services/web", INVALID, "may not change once set",
        {"spec": {"clusterIP": "10.96.0.99", "clusterIPs": ["10.96.0.99"]}}),
    merge("data that is immutable", f"{_CORE}/configmaps/fixed", INVALID,
        "data: Forbidden: field is immutable when `immutable` is set", {"data": {"a": "2"}}),
    merge("what makes it immutable", f"{_CORE}/configmaps/fixed", INVALID, "immutable: Forbidden",
        {"immutable": False}),
    merge("a secret's type", f"{_CORE}/secrets/key", INVALID, "type: Invalid value",
        {"type": "example.org/other"}),
    merge("a job's template", "/apis/batch/v1/namespaces/default/jobs/job", INVALID,
        "spec.template: Invalid value", {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}}),
    merge("too many annotations", _POD, INVALID, "metadata.annotations: Too long",
        {"metadata": {"annotations": ANNOTATIONS}}),
    merge("a label's syntax", _POD, INVALID, "metadata.labels", {"metadata": {"labels": {"-": "x"}}}),
    # Applying.
    Case("nobody applies", "PATCH", _WEB, *INVALID,
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: '
        "is required for apply patch", CONFIG, content_type=_APPLY),
    applying("a list", BAD, "error decoding YAML", []),
    applying("nothing", BAD, "error decoding YAML", b""),
    applying("bad YAML", BAD, "yaml: line 2", b"a: [\n"),
    applying("bad UTF-8", BAD, "YAML", b"a: \xff\n"),
    applying("a member twice in YAML", BAD, "is there twice", b"a: 1\na: 2\n"),
    applying("deep YAML", BAD, "nested deeper", b"[" * 300 + b"]" * 300),
    applying("no kind", BAD, "invalid object type", {"metadata": {"name": "web"}}),
    applying("another kind", BAD, "invalid object type", {**CONFIG, "kind": "DaemonSet"}),
    applying("another version", BAD, "invalid object type", {**CONFIG, "apiVersion": "apps/v2"}),
    applying("metadata that is text", BAD, "metadata", {**CONFIG, "metadata": "x"}),
    applying("another name", BAD, "the name of the object", {**CONFIG, "metadata": {"name": "db"}}),
    applying("another namespace", BAD, "namespace",
        {**CONFIG, "metadata": {"name": "web", "namespace": "kube-system"}}),
    applying("managed fields", BAD, "metadata.managedFields must be nil",
        {**CONFIG, "metadata": {"name": "web", "managedFields": []}}),
    applying("an unknown field", BAD, ".spec.nope: field not declared in schema",
        {**CONFIG, "spec": {"nope": 1}}),
    applying("a wrong type", BAD, "spec.replicas", {**CONFIG, "spec": {"replicas": "2"}}),
    applying("an item without its key", BAD, 'omits key field "name"',
        {**CONFIG, **containers({"image": "a"})}),
    applying("an item twice", BAD, "duplicate entries for key",
        {**CONFIG, **containers({"name": "a"}, {"name": "a"})}),
    applying("an item that is null", BAD, 'must be of type object: "null"', {**CONFIG, **containers(None)}),
    applying("members twice, strictly", BAD, 'error strict decoding YAML: duplicate field "kind"',
        b'{"apiVersion":"apps/v1","kind":"x","kind":"Deployment"}', fieldValidation="Strict"),
    applying("another version of it", _CONFLICT, "the object has been modified",
        {**CONFIG, "metadata": {"name": "web", "resourceVersion": "1"}}),
    applying("what breaks the rules", INVALID, "spec.replicas", {**CONFIG, "spec": {"replicas": -1}},
        force="true"),
    applying("a new thing that lacks everything", INVALID, "spec.selector",
        {**CONFIG, "metadata": {"name": "new"}}, f"{_APPS}/deployments/new"),
    applying("a uid of what is not there", _CONFLICT, "uid mismatch",
        {**CONFIG, "metadata": {"name": "new", "uid": "x"}}, f"{_APPS}/deployments/new"),
    applying("a status of what is not there", (404, "NotFound"), "not found",
        {**CONFIG, "metadata": {"name": "new"}}, f"{_APPS}/deployments/new/status"),
    applying("no such namespace", (404, "NotFound"), 'namespaces "nope" not found',
        {**deployment("web"), "metadata": {"name": "web"}},
        "/apis/apps/v1/namespaces/nope/deployments/web"),
    applying("a scale of another kind", BAD, "invalid object type", CONFIG, f"{_WEB}/scale"),
    applying("a scale below nothing", INVALID, "spec.replicas",
        {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": -1}}, f"{_WEB}/scale"),
]  # fmt: skip


def test_every_bad_write_is_refused_as_kubernetes_does(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            api = client(site.server)
            await api.create(PODS, pod("web"))
            await api.create(DEPLOYMENTS, deployment("web"))
            await api.create(CONFIGMAPS, {**config_map("fixed", a="1"), "immutable": True})
            await api.create(SECRETS, named("key", type="example.org/key"))
            await api.create(LEASES, named("lease"))
            await api.create(SERVICES, named("web", spec={"ports": [{"port": 80}]}))
            await api.create(JOBS, named("job", spec={"template": {"spec": JOB}}))
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


JOB = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}


def named(name: str, **more: Any) -> Obj:
    return {"metadata": {"name": name, "namespace": "default"}, **more}


def test_a_pods_deadline_only_comes_nearer(tmp_path: Path) -> None:
    path = f"{_CORE}/pods/timed"
    cases = [
        merge("later", path, INVALID, "must be less than or equal to previous value",
            {"spec": {"activeDeadlineSeconds": 9}}),
        merge("never", path, INVALID, "must not update from a positive integer to nil value",
            {"spec": {"activeDeadlineSeconds": None}}),
        merge("no longer tolerated", path, INVALID, "existing toleration can not be modified",
            {"spec": {"tolerations": []}}),
    ]  # fmt: skip

    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            api = client(site.server)
            toleration = {"key": "a", "operator": "Exists", "effect": "NoExecute"}
            timed = pod("timed", activeDeadlineSeconds=8, tolerations=[toleration])
            await api.create(PODS, timed)
            assert not [problem for case in cases if (problem := await try_case(session, case))]
            made = await api.get(PODS, "timed", "default")
            longer = [{**one, "tolerationSeconds": 7} for one in made["spec"]["tolerations"]]
            spec = {"activeDeadlineSeconds": 5, "tolerations": longer}
            patched = await api.patch(PODS, "timed", {"spec": spec}, "default")
            assert patched["spec"]["activeDeadlineSeconds"] == 5

    run(main())


def test_who_has_something_to_say_beside_it_is_warned(tmp_path: Path) -> None:
    body = b'{"metadata":{"name":"x"},"data":{"a":"1","a" :"2"},"nope":{"deep":[1]}}'

    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            for mode in ("", "?fieldValidation=Warn", "?fieldValidation=Ignore"):
                headers = {"Content-Type": "application/json"}
                path = f"{_CORE}/configmaps"
                answer = await session.post(path + mode, data=body, headers=headers)
                assert answer.status == 201
                said = answer.headers.getall("Warning", [])
                expected = [
                    r'299 - "duplicate field \"data.a\""',
                    r'299 - "unknown field \"nope\""',
                ]
                assert said == ([] if "Ignore" in mode else expected)
                made = await answer.json()
                assert (made["data"], "nope" in made) == ({"a": "2"}, False)
                await session.delete(f"{path}/x")

    run(main())


def test_members_are_told_apart_however_they_are_written() -> None:
    from labctl.apiserver.duplicates import duplicate_fields

    assert duplicate_fields(b'{"a":{"b":1,"c":[{"d":1,"d":2}]},"a":1}') == ["a.c[0].d", "a"]
    assert duplicate_fields(rb'{"a":"\":\":","b":{"c":1}}') == []
    assert duplicate_fields(b'{"a"\n:1,"a":2}') == ["a"]
    assert duplicate_fields(rb'{"a\"":1,"a\"":2}') == ['a"']
    assert duplicate_fields(changed(NEW, "kind", to="x")) == []
