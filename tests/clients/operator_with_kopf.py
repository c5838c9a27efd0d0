"""An operator as users of kopf write them: it counts, tells, and cleans up before objects go."""

import os
from pathlib import Path
from typing import Any

import kopf

KIND = "stable.example.com", "v1", "crontabs"


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.posting.level = 20
    settings.persistence.finalizer = "stable.example.com/operator"


@kopf.on.create(*KIND)
def created(spec: kopf.Spec, patch: kopf.Patch, body: kopf.Body, **_: Any) -> dict[str, str]:
    kopf.event(body, type="Normal", reason="Seen", message="an object was seen")
    patch.status["replicas"] = spec["replicas"]
    return {"message": f"runs {spec['cronSpec']}"}


@kopf.on.update(*KIND, field="spec.replicas")
def scaled(new: Any, patch: kopf.Patch, **_: Any) -> None:
    patch.status["replicas"] = new


@kopf.on.delete(*KIND)
def deleted(name: str, **_: Any) -> None:
    Path(os.environ["MARKS"], name).touch()
