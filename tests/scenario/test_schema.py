"""The published schema of scenarios takes what the reader takes, and refuses what it refuses."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from labctl.scenario.schema import scenario_schema

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(scenario_schema())


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_every_scenario_that_is_shipped_fits(
    validator: jsonschema_rs.Validator, file: Path
) -> None:
    documents = [one for one in yaml.safe_load_all(file.read_text()) if one["kind"] == "Scenario"]
    assert len(documents) == 1
    validator.validate(documents[0])


def scenario(step: Any) -> dict[str, Any]:
    return {
        "apiVersion": "labctl.io/v1alpha1",
        "kind": "Scenario",
        "metadata": {"name": "x"},
        "spec": {"steps": [step]},
    }


@pytest.mark.parametrize(
    ("step", "fits"),
    [
        ({"say": "Hello", "fault": {"loss": "deploy/web", "value": "10%"}}, True),
        ({"fault": {"node-down": "node1"}}, True),
        ({"fault": {"clear": True}}, True),
        ({"fault": {"list": []}}, True),
        ({"fault": {"unplug": "node1"}}, False),
        ({"fault": {"clear": "yes"}}, False),
        ({"ping": {"from": "a"}}, False),
        ({"ping": {"from": "a", "to": "b"}, "fault": {"cut": "a"}}, False),
        ({"say": "nothing"}, False),
        ({"flood": {"from": "a", "to": "b", "during": [{"fault": {"cut": "a"}}]}}, True),
        ({"flood": {"from": "a", "to": "b", "during": [{"fault": {"unplug": "a"}}]}}, False),
    ],
)
def test_a_step_fits_or_not(validator: jsonschema_rs.Validator, step: Any, fits: bool) -> None:
    assert validator.is_valid(scenario(step)) == fits
