"""A scenario file: a Lab, any manifests, and a Scenario that says what must come of them.

    apiVersion: labctl.io/v1alpha1
    kind: Scenario
    metadata: {name: same-node}
    spec:
      teaches: Pods of one node reach each other through its bridge.
      steps:
      - say: The two pods become Ready.
        wait: {for: Available, object: deployment/web}
      - ping: {from: deploy/web, to: outside}

A step is a mapping with one verb (see steps.py) and, if one likes, a sentence (`say`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labctl.api.fields import FieldError, unknown_field
from labctl.api.lab import LabSpec, default_lab
from labctl.api.manifests import Document
from labctl.api.objects import Obj
from labctl.errors import BadInput
from labctl.lab.lab_files import read_lab
from labctl.lab.manifests import Manifest, prepare, read
from labctl.scenario.steps import Step, parse_step


@dataclass(frozen=True)
class Scenario:
    """What is brought up (`lab`), what is submitted (`manifests`), what is done and checked."""

    name: str
    source: str
    teaches: str
    lab: LabSpec
    manifests: tuple[Manifest, ...]
    steps: tuple[Step, ...]


def read_scenario(source: str, lab: str | None = None) -> Scenario:
    """The scenario in a file; `lab` overrides the lab's name. BadInput names line and field."""
    documents = read([source])
    document = _one(documents, "Scenario", source)
    if document is None:
        raise BadInput(f"{source}: there is no Scenario in it")
    try:
        name, teaches, steps = _parse(document.obj)
    except FieldError as error:
        raise document.placed(error) from None
    return Scenario(
        name=name,
        source=source,
        teaches=teaches,
        lab=_lab(_one(documents, "Lab", source), lab),
        manifests=tuple(prepare(documents)),
        steps=steps,
    )


def _one(documents: Sequence[Document], kind: str, source: str) -> Document | None:
    found = [one for one in documents if one.kind == kind and not one.is_manifest]
    if len(found) > 1:
        raise BadInput(f"{source}:{found[1].line()}: a scenario file holds one {kind}")
    return found[0] if found else None


def _lab(document: Document | None, name: str | None) -> LabSpec:
    if document is None:
        return default_lab(name or "scenario")
    return read_lab(document, name)[1]


def _parse(scenario: Obj) -> tuple[str, str, tuple[Step, ...]]:
    name = (scenario.get("metadata") or {}).get("name")
    if not isinstance(name, str) or not name:
        raise FieldError(("metadata", "name"), "is required")
    spec = scenario.get("spec")
    if not isinstance(spec, dict):
        raise FieldError(("spec",), "must be a mapping with steps")
    for field in spec.keys() - {"teaches", "steps"}:
        raise unknown_field(("spec", str(field)), ("teaches", "steps"))
    return name, str(spec.get("teaches", "")).strip(), _steps(spec.get("steps"))


def _steps(steps: Any) -> tuple[Step, ...]:
    if not isinstance(steps, list) or not steps:
        raise FieldError(("spec", "steps"), "must be a list of steps")
    return tuple(parse_step(step, ("spec", "steps", at)) for at, step in enumerate(steps))
