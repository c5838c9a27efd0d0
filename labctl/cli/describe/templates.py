"""Pod templates, and what a pod has in common with them: volumes and tolerations."""

from collections.abc import Sequence

from labctl.api.objects import Obj
from labctl.cli.describe.common import label_lines, list_lines, pair_lines
from labctl.cli.describe.containers import container_lines


def template_lines(template: Obj) -> list[str]:
    """The `Pod Template` section of a workload."""
    spec = template.get("spec") or {}
    lines = ["Pod Template:", *(f"  {line}" for line in _label_block(template))]
    if spec.get("initContainers"):
        lines += _indent(container_lines("Init Containers", spec["initContainers"], (), " "))
    lines += _indent(container_lines("Containers", spec.get("containers") or [], (), " "))
    return lines + _indent([*volume_lines(spec), *placement_lines(spec)])


def _label_block(template: Obj) -> list[str]:
    lines = label_lines(template)
    if (template.get("metadata") or {}).get("annotations"):
        lines += pair_lines("Annotations:", template["metadata"]["annotations"], ": ")
    return lines


def _indent(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def placement_lines(spec: Obj) -> list[str]:
    """Node selectors and tolerations."""
    return [
        *pair_lines("Node-Selectors:", spec.get("nodeSelector") or {}, "="),
        *list_lines("Tolerations:", map(toleration_text, spec.get("tolerations") or ())),
    ]


def toleration_text(toleration: Obj) -> str:
    """`node.kubernetes.io/not-ready:NoExecute op=Exists for 300s`."""
    text: str = toleration.get("key", "")
    if toleration.get("value"):
        text += f"={toleration['value']}"
    if toleration.get("effect"):
        text += f":{toleration['effect']}"
    if toleration.get("operator") == "Exists":
        text += " op=Exists" if text else "op=Exists"
    if toleration.get("tolerationSeconds") is not None:
        text += f" for {toleration['tolerationSeconds']}s"
    return text


def volume_lines(spec: Obj) -> list[str]:
    volumes = spec.get("volumes") or []
    if not volumes:
        return ["Volumes:\t<none>"]
    lines = ["Volumes:"]
    for volume in volumes:
        lines.append(f"  {volume['name']}:")
        lines += [f"    {line}" for line in _volume(volume)]
    return lines


def _volume(volume: Obj) -> list[str]:
    kind = next((key for key in volume if key != "name"), "emptyDir")
    source = volume.get(kind) or {}
    lines = [f"Type:\t{kind[0].upper()}{kind[1:]}"]
    shown = {key: value for key, value in source.items() if isinstance(value, str | int)}
    return [*lines, *(f"{key[0].upper()}{key[1:]}:\t{value}" for key, value in shown.items())]
