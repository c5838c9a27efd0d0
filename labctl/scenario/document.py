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

from dataclasses import dataclass
from typing import Any

from labctl.api.lab import LabSpec, default_lab, parse_lab
from labctl.api.manifests import read_manifests
from labctl.api.objects import Obj
from labctl.errors import BadInput
from labctl.scenario.steps import Step, parse_step

KIND = "Scenario"


@dataclass(frozen=True)
class Scenario:
    """What is brought up (`lab`), what is submitted (`manifests`), what is done and checked."""

    name: str
    teaches: str
    lab: LabSpec
    manifests: tuple[Obj, ...]
    steps: tuple[Step, ...]


def read_scenario(text: str, source: str, lab: str = "") -> Scenario:
    """The scenario in a file's text; `lab` overrides the lab's name. Raises BadInput."""
    objects = read_manifests(text, source)
    scenarios = [obj for obj in objects if obj["kind"] == KIND]
    if len(scenarios) != 1:
        raise BadInput(f"{source}: a scenario file holds one Scenario; here are {len(scenarios)}")
    labs = [obj for obj in objects if obj["kind"] == "Lab"]
    if len(labs) > 1:
        raise BadInput(f"{source}: a scenario file holds at most one Lab; here are {len(labs)}")
    name = _name(scenarios[0], source)
    return Scenario(
        name=name,
        teaches=str(_spec(scenarios[0], source).get("teaches", "")).strip(),
        lab=parse_lab(labs[0], lab or None) if labs else default_lab(lab or "scenario"),
        manifests=tuple(obj for obj in objects if obj["kind"] not in (KIND, "Lab")),
        steps=_steps(_spec(scenarios[0], source), source),
    )


def _name(scenario: Obj, source: str) -> str:
    name = (scenario.get("metadata") or {}).get("name")
    if not isinstance(name, str) or not name:
        raise BadInput(f"{source}: Scenario: metadata.name: Required value")
    return name


def _spec(scenario: Obj, source: str) -> dict[str, Any]:
    spec = scenario.get("spec")
    if not isinstance(spec, dict):
        raise BadInput(f"{source}: Scenario: spec: Required value")
    unknown = spec.keys() - {"teaches", "steps"}
    if unknown:
        raise BadInput(f"{source}: Scenario: spec.{min(unknown)}: unknown field")
    return spec


def _steps(spec: dict[str, Any], source: str) -> tuple[Step, ...]:
    steps = spec.get("steps")
    if not isinstance(steps, list) or not steps:
        raise BadInput(f"{source}: Scenario: spec.steps: a list of steps is required")
    return tuple(
        parse_step(step, f"{source}: Scenario: spec.steps[{index}]")
        for index, step in enumerate(steps)
    )
