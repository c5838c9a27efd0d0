"""What `apply` sends for a manifest, and what it remembers."""

import json
from typing import Any

from labctl.api.defaults import set_defaults
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.patches import LAST_APPLIED, strategic_merge_patch
from labctl.lab import quick
from labctl.lab.apply import patch_for, with_last_applied
from labctl.lab.manifests import Manifest, manifest


def web(**spec: Any) -> Manifest:
    made = quick.deployment("web", ["nginx:1"], replicas=3, port=80)
    return manifest({**made, "spec": {**made["spec"], **spec}}, "default")


def stored(one: Manifest) -> dict[str, Any]:
    """The object as the server has it after the manifest was applied."""
    return set_defaults(DEPLOYMENTS, with_last_applied(one.obj))


def test_applying_the_same_again_sends_nothing() -> None:
    assert patch_for(web(), with_last_applied(web().obj), stored(web())) == {}


def test_a_change_is_sent_with_the_new_annotation_and_nothing_else() -> None:
    wanted = with_last_applied(web(replicas=5).obj)
    patch = patch_for(web(replicas=5), wanted, stored(web()))
    assert patch["spec"] == {"replicas": 5}
    assert list(patch["metadata"]) == ["annotations"]
    after = strategic_merge_patch(DEPLOYMENTS, stored(web()), patch)
    assert after == stored(web(replicas=5))


def test_what_was_scaled_by_hand_stays_if_the_manifest_does_not_say() -> None:
    silent = web()
    del silent.obj["spec"]["replicas"]
    present = {**stored(silent), "spec": {**stored(silent)["spec"], "replicas": 7}}
    assert patch_for(silent, with_last_applied(silent.obj), present) == {}


def test_the_annotation_is_the_manifest_as_kubectl_writes_it() -> None:
    annotations = with_last_applied(web().obj)["metadata"]["annotations"]
    text = annotations[LAST_APPLIED]
    assert text.endswith("}\n")
    remembered = json.loads(text)
    assert remembered["metadata"]["annotations"] == {}
    assert remembered["metadata"]["namespace"] == "default"
    assert remembered["spec"] == web().obj["spec"]


def test_an_annotation_of_kubectls_is_not_remembered_within_itself() -> None:
    again = with_last_applied(with_last_applied(web().obj))
    assert again == with_last_applied(web().obj)
