"""The language of scenario files: what is read, and what is refused with line and field."""

from pathlib import Path

import pytest

from labctl.api.fields import FieldError
from labctl.errors import BadInput
from labctl.scenario.document import read_scenario
from labctl.scenario.fault import Fault
from labctl.scenario.steps import Compare, Flood, Kill, Ping, Remember, Wait, parse_step

HEAD = """\
apiVersion: labctl.io/v1alpha1
kind: Scenario
metadata: {name: x}
"""


def test_a_step_is_one_verb_and_maybe_a_sentence() -> None:
    step = parse_step({"say": "Hello", "wait": {"object": "pod/a", "for": "Ready"}}, ())
    assert step.verb == Wait(object="pod/a", wish="Ready")
    assert step.describe() == "Hello"


def test_a_flood_holds_the_steps_that_run_meanwhile() -> None:
    inner = {"fault": {"cut": "node1"}}
    step = parse_step({"flood": {"from": "a", "to": "b", "during": [inner]}}, ())
    assert isinstance(step.verb, Flood)
    assert [one.verb for one in step.during] == [Fault(cut="node1")]


@pytest.mark.parametrize(
    ("fault", "verb", "target", "said"),
    [
        ({"cut": "node1"}, "cut", "node1", "fault cut node1"),
        ({"node-down": "node1"}, "node-down", "node1", "fault node-down node1"),
        ({"kill-control-plane": True}, "kill-control-plane", "", "fault kill-control-plane"),
        ({"loss": "deploy/web", "value": "10%"}, "loss", "deploy/web", "fault loss deploy/web 10%"),
        ({"loss": "node1", "value": 0}, "loss", "node1", "fault loss node1 0"),
        ({"delay": "node1", "value": "none"}, "delay", "node1", "fault delay node1 none"),
        ({"clear": True}, "clear", "", "fault clear"),
        ({"list": ["cut node1"]}, "list", "cut node1", "fault list cut node1"),
        ({"list": []}, "list", "nothing", "fault list nothing"),
    ],
)
def test_a_fault_is_one_as_on_the_command_line(
    fault: dict[str, object], verb: str, target: str, said: str
) -> None:
    step = parse_step({"fault": fault}, ())
    assert (step.verb.verb, step.verb.target, step.describe()) == (verb, target, said)


def test_what_is_not_said_has_a_default() -> None:
    step = parse_step({"ping": {"from": "a", "to": "outside"}}, ())
    assert step.verb == Ping(source="a", destination="outside", count=3, answered=True)


def test_what_is_seen_of_a_pod_is_remembered_and_compared() -> None:
    assert parse_step({"remember": {"pod": "a"}}, ()).verb == Remember(pod="a", title="before")
    step = parse_step({"compare": {"pod": "a", "same": ["pause"], "changed": ["app"]}}, ())
    assert step.verb == Compare(pod="a", before="before", same=("pause",), changed=("app",))
    assert step.describe() == "compare a with before: same pause; changed app"
    assert parse_step({"kill": {"pod": "a"}}, ()).verb == Kill(pod="a")
    assert parse_step({"kill": {"pod": "a"}}, ()).describe() == "kill pause of a"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("ping", "a step is a mapping"),
        ({}, "one verb of"),
        ({"pong": {}}, "here: pong"),
        ({"ping": {"from": "a", "to": "b"}, "delete": {"object": "x"}}, "here: ping, delete"),
        ({"ping": {"from": "a"}}, "missing required field `to`"),
        ({"ping": {"from": "a", "to": "b", "size": 3}}, "unknown field `size`"),
        ({"ping": {"from": "a", "to": "b", "count": "x"}}, "Expected `int`, got `str` at `count`"),
        ({"ping": {"from": "a", "to": "b", "count": 0}}, "Expected `int` >= 1 at `count`"),
        ({"wait": {"object": "a", "seconds": -1}}, "Expected `float` > 0.0 at `seconds`"),
        ({"run": {"in": "a", "command": []}}, "Expected `array` of length >= 1 at `command`"),
        ({"run": {"in": "a", "command": ["ls"], "prints": "("}}, "prints: '(' is no regular"),
        ({"events": {"in-order": []}}, "Expected `array` of length >= 1 at `in-order`"),
        (
            {"events": {"in-order": [{"reason": "A", "message": "["}]}},
            "in-order: '[' is no regular expression",
        ),
        ({"expect": {"get": "pods", "path": ".a", "matches": "("}}, "matches: '(' is no regular"),
        ({"expect": {"get": "pods", "equals": 1}}, "expect.path: is required for equals"),
        ({"expect": {"get": "pods", "matches": "a"}}, "expect.path: is required for matches"),
        ({"verify": {"claims": ["world-peace"]}}, "claims[0]: 'world-peace' is not one of pod-to"),
        ({"verify": {"protocols": ["sctp"]}}, "protocols[0]: 'sctp' is not one of icmp"),
        ({"verify": {"fails": ["peace"]}}, "fails[0]: 'peace' is not one of"),
        ({"fault": {"list": ["("]}}, "fault.list: '(' is no regular expression"),
        ({"fault": {}}, "one of kill-agent"),
        ({"fault": {"cut": "a", "mend": "a"}}, "one of kill-agent"),
        ({"fault": {"kill-runtime": False}}, "one of kill-agent"),
        ({"fault": {"unplug": "a"}}, "unknown field `unplug`"),
        ({"fault": {"loss": "a"}}, "fault.value: is required"),
        ({"fault": {"loss": "a", "value": "x"}}, "fault.value: 'x' cannot be read as a loss"),
        ({"fault": {"rate": "a", "value": "1tbit"}}, "fault.value: '1tbit' cannot be read"),
        ({"fault": {"cut": "a", "value": "10%"}}, "fault.value: is for loss, rate, delay"),
        ({"fault": {"list": "cut a"}}, "Expected `array | null`, got `str` at `list`"),
        ({"kill": {"container": "app"}}, "missing required field `pod`"),
        ({"compare": {"pod": "a", "same": "pause"}}, "Expected `array`, got `str` at `same`"),
        ({"flood": {"from": "a", "to": "b", "during": [{}]}}, "flood.during[0]: a step has"),
    ],
)
def test_a_bad_step_is_refused_with_its_field(step: object, said: str) -> None:
    with pytest.raises(FieldError) as refused:
        parse_step(step, ("spec", "steps", 0))
    assert refused.value.message.startswith("spec.steps[0]")
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "there is no Scenario in it"),
        (HEAD, ":1: spec: must be a mapping with steps"),
        (HEAD + "spec: {}\n", ":4: spec.steps: must be a list"),
        (HEAD + "spec:\n  steps:\n  - pong: {}\n", ":6: spec.steps[0]: a step has one verb"),
        (HEAD + "spec:\n  stepz: []\n", ":5: spec.stepz: unknown field"),
        (HEAD.replace("{name: x}", "{}") + "spec: {}\n", "metadata.name: is required"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(BadInput) as refused:
        read_scenario(str(file))
    assert said in refused.value.message
