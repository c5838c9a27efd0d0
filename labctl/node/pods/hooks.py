"""Lifecycle hooks: a command in the container, a request to its pod, or only some time."""

import asyncio

from labctl.api.objects import Obj
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError
from labctl.node.probes.asking import Subject, ask
from labctl.node.probes.probe import Probe

_FOR_EVER = 86_400.0  # seconds; whoever calls has a deadline of its own


async def run_hook(hook: Obj, subject: Subject, runtime: RuntimeClient) -> str:
    """Runs it to its end; why it failed, or "". Raises RuntimeUnavailable."""
    if "sleep" in hook:
        await asyncio.sleep(float(hook["sleep"].get("seconds", 0)))
        return ""
    if command := (hook.get("exec") or {}).get("command"):
        return await _command(command, subject, runtime)
    outcome = await ask(Probe("liveness", hook, timeout=_FOR_EVER), subject, runtime)
    return outcome.message


async def _command(command: list[str], subject: Subject, runtime: RuntimeClient) -> str:
    """In a stand-in there is nothing for a hook to talk to: it is taken to have done its work."""
    if subject.container.stand_in:
        return ""
    try:
        done = await runtime.exec_sync(subject.container.id, tuple(command), _FOR_EVER)
    except CriError as error:
        return error.message
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    words = " ".join(command)
    return f"command '{words}' exited with {done.exit_code}: {said}" if done.exit_code else ""
