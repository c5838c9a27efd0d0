"""The Events of a node's pods, worded as the kubelet words them."""

from collections.abc import Iterable

from labctl.api.objects import Obj
from labctl.client.events import EventRecorder
from labctl.cri.messages import Container
from labctl.node.pods import deadline
from labctl.node.pods.container_status import full_name

HEALED = "NetworkHealed"  # of pods and of the node itself


class PodTeller:
    """One method an occasion."""

    def __init__(self, recorder: EventRecorder) -> None:
        self._recorder = recorder

    def created(self, pod: Obj, container: Container) -> None:
        name, image = container.config.name, container.config.image
        if container.stand_in:
            self._normal(pod, "StandIn", stand_in_sentence(container))
        else:
            self._normal(pod, "Pulled", f'Container image "{image}" already present on machine')
        self._normal(pod, "Created", f"Created container: {name}")

    def not_applied(self, pod: Obj, container: Container, sentences: Iterable[str]) -> None:
        """What was asked for and is not done here."""
        for sentence in sentences:
            self._warning(pod, "NotApplied", f"Container {container.config.name}: {sentence}")

    def started(self, pod: Obj, container: Container) -> None:
        self._normal(pod, "Started", f"Started container {container.config.name}")

    def stopping(self, pod: Obj, container: Container, failed: str = "") -> None:
        """`failed` is the kind of the probe because of which it is to start anew."""
        name = container.config.name
        text = f"Stopping container {name}"
        if failed:
            text = f"Container {name} failed {failed} probe, will be restarted"
        self._normal(pod, "Killing", text)

    def unhealthy(self, pod: Obj, kind: str, why: str) -> None:
        text = f"{kind.capitalize()} probe failed: {why}"
        self._warning(pod, "Unhealthy", text)

    def expired(self, pod: Obj) -> None:
        self._normal(pod, deadline.REASON, deadline.MESSAGE)

    def evicted(self, pod: Obj, why: str) -> None:
        self._warning(pod, "Evicted", why)

    def sandbox_changed(self, pod: Obj) -> None:
        text = "Pod sandbox changed, it will be killed and re-created."
        self._normal(pod, "SandboxChanged", text)

    def sandbox_failed(self, pod: Obj, why: str) -> None:
        self._warning(pod, "FailedCreatePodSandBox", f"Failed to create pod sandbox: {why}")

    def network_not_ready(self, pod: Obj, why: str) -> None:
        self._warning(pod, "NetworkNotReady", why)

    def healed(self, pod: Obj, sentence: str) -> None:
        self._warning(pod, HEALED, sentence)

    def kill_failed(self, pod: Obj, why: str) -> None:
        self._warning(pod, "FailedKillPod", f"error killing pod: {why}")

    def container_failed(self, pod: Obj, why: str) -> None:
        self._warning(pod, "Failed", f"Error: {why}")

    def log_failed(self, pod: Obj, container: Container) -> None:
        text = f"Container {container.config.name}: {container.log_error}"
        self._warning(pod, "FailedLog", text)

    def image_failed(self, pod: Obj, image: str, reason: str, why: str) -> None:
        """`reason` is what the container's status says; `why` the runtime's sentence."""
        match reason:
            case "ErrImagePull":
                self._normal(pod, "Pulling", f'Pulling image "{image}"')
                self._warning(pod, "Failed", f'Failed to pull image "{image}": {why}')
            case "ImagePullBackOff":
                self._normal(pod, "BackOff", f'Back-off pulling image "{image}"')
            case "InvalidImageName":
                self._warning(pod, "InspectFailed", why)
            case _:
                self._warning(pod, reason, why)
        self.container_failed(pod, reason)

    def mount_failed(self, pod: Obj, why: str) -> None:
        self._warning(pod, "FailedMount", why)

    def hook_failed(self, pod: Obj, kind: str, why: str) -> None:
        """`kind` is PostStart or PreStop."""
        self._warning(pod, f"Failed{kind}Hook", f"{kind}Hook failed: {why}")

    def backing_off(self, pod: Obj, container: str) -> None:
        text = f"Back-off restarting failed container {container} in pod {full_name(pod)}"
        self._warning(pod, "BackOff", text)

    def _normal(self, pod: Obj, reason: str, message: str) -> None:
        self._recorder.event(pod, "Normal", reason, message)

    def _warning(self, pod: Obj, reason: str, message: str) -> None:
        self._recorder.event(pod, "Warning", reason, message)


def stand_in_sentence(container: Container) -> str:
    """Says plainly that nothing of the image runs."""
    why = container.stand_in_reason or f'image "{container.config.image}" is not here'
    return f"Container {container.config.name}: {why}"
