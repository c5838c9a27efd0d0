"""Bodies that cost much: each is answered in a moment, in few words, and one after another."""

import gc
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

import pytest

from tests.hostile.requests import Request
from tests.hostile.victim import Victim

_PODS, _MAPS = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/configmaps"
_MERGE, _STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
_JSON_PATCH, _APPLY = "application/json-patch+json", "application/apply-patch+yaml"
_YAML, _PROTOBUF = "application/yaml", "application/vnd.kubernetes.protobuf"
# Some times what it takes where nothing else goes on; without bounds it is many seconds.
_SECONDS = 0.6


def many(item: bytes, count: int) -> bytes:
    """Items with a comma between; a %d in them is their number."""
    return b",".join(item % number if b"%d" in item else item for number in range(count))


def pod(spec: bytes) -> bytes:
    return b'{"metadata":{"name":"x"},"spec":{%s}}' % spec


def containers(item: bytes, count: int) -> bytes:
    return pod(b'"containers":[%s]' % many(item, count))


def in_container(members: bytes) -> bytes:
    return pod(b'"containers":[{"name":"a","image":"b",%s}]' % members)


_COPIES = many(b'{"op":"copy","from":"/data/a","path":"/data/b%d"}', 3000)
_LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, many(b"*%c" % (97 + n), 9)) for n in range(12)
)


@dataclass(frozen=True)
class Costly:
    what: str
    code: int
    body: bytes
    path: str = _PODS
    content_type: str = "application/json"
    method: str = "POST"

    def request(self) -> Request:
        target = f"{self.path}?dryRun=All&fieldManager=x"
        return Request(self.method, target, {"Content-Type": self.content_type}, self.body)


def patch(what: str, code: int, body: bytes, type_: str, name: str = "costly") -> Costly:
    return Costly(what, code, body, f"{_MAPS}/{name}", type_, "PATCH")


COSTLY = [
    Costly("900,000 items of a wrong type", 413, containers(b"1", 900_000)),
    Costly("45,000 items of a wrong type", 400, containers(b"1", 45_000)),
    Costly("24,000 items that lack something", 422, containers(b"{}", 24_000)),
    Costly("12,000 containers of one name", 422, containers(b'{"name":"a","image":"b"}', 12_000)),
    Costly("45,000 unknown fields", 422, pod(many(b'"f%d":1', 45_000))),
    Costly("250,000 unknown fields", 413, pod(many(b'"f%d":1', 250_000))),
    Costly("300,000 members of one name", 413, pod(many(b'"a":"1"', 300_000))),
    Costly("20,000 bad names", 422, in_container(b'"env":[%s]' % many(b'{"name":"="}', 20_000))),
    Costly("a name of a megabyte", 400, b'{"metadata":{"name":"x"},"data":{"%s":{}}}' % (b"a" * 10**6)),
    Costly("20,000 members below long names", 422,
           pod(b'"a":' + b'{"%s":' % (b"n" * 16_000) * 40 + b"[%s]" % many(b"{}", 20_000) + b"}" * 40)),
    Costly("a quantity of a megabyte", 400,
           in_container(b'"resources":{"limits":{"cpu":"%s"}}' % (b"9" * 10**6))),
    Costly("a quantity out of all range", 201, in_container(b'"resources":{"limits":{"cpu":1e300}}')),
    Costly("a number of a megabyte", 400, b'{"metadata":{"generation":%s}}' % (b"9" * 10**6)),
    Costly("YAML that laughs", 400, _LAUGHS, content_type=_YAML),
    Costly("YAML of 3 MB of brackets", 400, b"[" * 3_000_000, content_type=_YAML),
    Costly("protobuf of a million fields", 400,
           b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\xc0\x84\x3d" + b"\x12\x00" * 500_000,
           content_type=_PROTOBUF),
    patch("a strategic list of 9,000", 200,
          b'{"metadata":{"ownerReferences":[%s]}}'
          % many(b'{"apiVersion":"v1","kind":"Pod","name":"a","uid":"%d"}', 9_000), _STRATEGIC),
    patch("an order of 40,000", 200,
          b'{"metadata":{"$setElementOrder/finalizers":[%s],"finalizers":[]}}'
          % many(b'"a/b%d"', 40_000), _STRATEGIC),
    patch("20,000 finalizers", 200,
          b'{"metadata":{"finalizers":[%s]}}' % many(b'"a/b%d"', 20_000), _STRATEGIC),
    patch("20,000 that are kept", 400,
          b'{"$retainKeys":[%s],%s}' % (many(b'"a%d"', 20_000), many(b'"b%d":1', 20_000)),
          _STRATEGIC),
    patch("copies of copies", 413,
          b'[{"op":"add","path":"/data/a","value":"%s"},%s]' % (b"y" * 900_000, _COPIES),
          _JSON_PATCH),
    patch("copies of many values", 413,
          b'[{"op":"add","path":"/data/a","value":[%s]},%s]' % (many(b"1", 30_000), _COPIES),
          _JSON_PATCH),
    patch("10,000 operations too many", 413, b"[%s]" % many(b"{}", 20_000), _JSON_PATCH),
    patch("a pointer of a million steps", 413,
          b'[{"op":"add","path":"%s","value":1}]' % (b"/a" * 1_000_000), _JSON_PATCH),
    patch("10,000 insertions", 422,
          b'[{"op":"add","path":"/data/a","value":[]},%s]'
          % many(b'{"op":"add","path":"/data/a/0","value":1}', 9_000), _JSON_PATCH),
    patch("a merge of 20,000", 200, b'{"data":{%s}}' % many(b'"a%d":"b"', 20_000), _MERGE),
    patch("20,000 to apply", 201,
          b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"new"},"data":{%s}}'
          % many(b'"a%d":"b"', 20_000), _APPLY, "new"),
]  # fmt: skip


@pytest.mark.alone
@pytest.mark.parametrize("costly", COSTLY, ids=lambda one: one.what)
def test_what_costs_much_is_answered_in_a_moment(victim: Victim, costly: Costly) -> None:
    make(victim, "costly")
    before = victim.cpu_seconds()
    answer = victim.ask(costly.request())
    spent = victim.cpu_seconds() - before
    assert answer.code == costly.code, answer.body[:500]
    assert spent < _SECONDS
    if answer.code >= 400:
        assert len(answer.body) < 300_000
        assert answer.json["reason"]


def make(victim: Victim, name: str) -> None:
    body = b'{"metadata":{"name":"%s"},"data":{"a":"b"}}' % name.encode()
    made = victim.ask(Request("POST", _MAPS, {"Content-Type": "application/json"}, body))
    assert made.code in {201, 409}


@pytest.mark.alone
def test_who_sends_much_makes_others_wait_for_one_of_them_only(victim: Victim) -> None:
    """A hundred at once would otherwise be worked on in one go."""
    heavy = Costly("", 201, containers(b'{"name":"a%d","image":"b"}', 8_000)).request()
    small = Request("GET", "/api/v1/namespaces/default", {}, None)
    gc.collect()
    with ThreadPoolExecutor(16) as senders:
        began = perf_counter()
        sent = [senders.submit(victim.ask, heavy) for _ in range(16)]
        waits = list(_waits(victim, small, until=lambda: all(one.done() for one in sent)))
        took = perf_counter() - began
    assert {one.result().code for one in sent} == {201}
    assert max(waits) < took / 4
    assert sorted(waits)[len(waits) // 2] < took / 16


def _waits(victim: Victim, request: Request, until: object) -> Iterable[float]:
    assert callable(until)
    while not until():
        began = perf_counter()
        assert victim.ask(request).code == 200
        yield perf_counter() - began


def test_what_nobody_reads_takes_no_memory(victim: Victim) -> None:
    """Thirty clients ask for 20 MB each, twice over, and read nothing of it."""
    text = b"x" * 900_000
    for number in range(22):
        body = b'{"metadata":{"name":"large%d"},"data":{"a":"%s"}}' % (number, text)
        made = victim.ask(Request("POST", _MAPS, {"Content-Type": "application/json"}, body))
        assert made.code == 201
    before = victim.resident_megabytes()
    stuck = []
    for query in ("", "?watch=1"):
        for _ in range(30):
            connection = victim.connection()
            connection.request("GET", _MAPS + query)
            stuck.append((connection, connection.getresponse()))
    assert victim.resident_megabytes() - before < 200
    for connection, response in stuck:
        response.close()
        connection.close()
    gone = victim.ask(Request("DELETE", _MAPS, {}, None))
    assert gone.code == 200
