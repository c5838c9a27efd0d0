"""Custom kinds on labctl's command line: defined and made from one file, and named by every word."""

from collections.abc import Iterator

import pytest

from tests.command import Labctl

MANIFESTS = """\
apiVersion: demo.example.com/v1
kind: Route
metadata: {name: north}
spec: {to: 10.0.0.0/8, via: 10.1.1.1}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: routes.demo.example.com}
spec:
  group: demo.example.com
  scope: Namespaced
  names: {plural: routes, kind: Route, singular: way, shortNames: [rt], categories: [paths]}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns:
    - {name: To, type: string, jsonPath: .spec.to}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [to]
            properties:
              to: {type: string, format: cidr}
              via: {type: string}
              metric: {type: integer, default: 100}
"""
CRD = "customresourcedefinition.apiextensions.k8s.io/routes.demo.example.com"
NORTH = "route.demo.example.com/north"


@pytest.fixture
def routes(labctl: Labctl) -> Iterator[Labctl]:
    out = labctl.ok("apply", "-f", "-", stdin=MANIFESTS)
    assert out.splitlines() == [f"{CRD} created", f"{NORTH} created"]
    yield labctl
    labctl.ok("delete", "crd", "routes.demo.example.com", "--ignore-not-found")


def test_a_file_may_define_what_it_holds(routes: Labctl) -> None:
    out = routes.ok("apply", "-f", "-", stdin=MANIFESTS)
    assert out.splitlines() == [f"{CRD} unchanged", f"{NORTH} unchanged"]
    alone = MANIFESTS.split("---", maxsplit=1)[0].replace("10.1.1.1", "10.1.1.2")
    assert routes.ok("apply", "-f", "-", stdin=alone) == f"{NORTH} configured\n"


@pytest.mark.parametrize(
    "word", ["route", "routes", "way", "rt", "Route", "rt.demo.example.com", "paths"]
)
def test_every_word_of_a_kind_is_understood(routes: Labctl, word: str) -> None:
    header, row = routes.ok("get", word).splitlines()
    assert header.split() == ["NAME", "TO"]
    assert row.split() == ["north", "10.0.0.0/8"]


def test_the_verbs_work_on_custom_objects(routes: Labctl) -> None:
    assert routes.ok("get", "rt/north", "-o", "name") == f"{NORTH}\n"
    assert routes.ok("get", "rt", "north", "-o", "jsonpath={.spec.metric}") == "100"
    assert "Metric:  100" in routes.ok("describe", "rt", "north")
    routes.ok("wait", "--for=jsonpath={.spec.metric}=100", "rt/north")
    assert routes.ok("delete", "rt", "north") == 'route.demo.example.com "north" deleted\n'
    assert routes("get", "rt", "north").code == 1
    routes.ok("delete", "-f", "-", stdin=MANIFESTS.split("---")[1])
    result = routes("get", "rt")
    assert (result.code, 'doesn\'t have a resource type "rt"' in result.err) == (2, True)


def test_mistakes_are_found_before_anything_is_sent(labctl: Labctl) -> None:
    wrong = MANIFESTS.replace("10.0.0.0/8", "north").replace("name: north", "name: south")
    result = labctl("apply", "-f", "-", stdin=wrong)
    assert result.code == 2
    assert "stdin:4: spec.to: Invalid value" in result.err
    assert labctl("get", "crd", "routes.demo.example.com").code == 1
