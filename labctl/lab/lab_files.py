"""A Lab as it stands in a file, with the other file that it may name: a CNI configuration list.

The list is read when the lab file is, and is part of the lab from then on: `up` after a crash, or
on another day, needs no file.
"""

import json
from pathlib import Path

from labctl.api.fields import FieldError
from labctl.api.lab import LabSpec, check_conflist, parse_lab
from labctl.api.manifests import Document, locate
from labctl.api.objects import Obj
from labctl.errors import BadInput
from labctl.lab.reading import read_text

_CONFLIST = ("spec", "network", "cni", "conflist")


def read_lab(document: Document, name: str | None = None) -> tuple[Obj, LabSpec]:
    """The Lab object of a document, its files read into it, and the lab that it describes.

    `name` wins over the document's. BadInput names file, line and field of what is wrong.
    """
    try:
        obj = _with_files(document)
        return obj, parse_lab(obj, name)
    except FieldError as error:
        raise document.placed(error) from None


def _with_files(document: Document) -> Obj:
    """The object with the text of the files that it names; paths count from where it lies."""
    obj, home = document.obj, Path(document.source).parent
    spec = obj.get("spec")
    network = spec.get("network") if isinstance(spec, dict) else None
    cni = network.get("cni") if isinstance(network, dict) else None
    if not isinstance(spec, dict) or not isinstance(network, dict) or not isinstance(cni, dict):
        return obj
    found = dict(cni)
    if isinstance(cni.get("conflist"), str):
        found["conflist"] = _read_conflist(home / cni["conflist"])
    if isinstance(cni.get("binDir"), str):
        parts = filter(None, cni["binDir"].split(":"))
        found["binDir"] = ":".join(str((home / part).absolute()) for part in parts)
    return {**obj, "spec": {**spec, "network": {**network, "cni": found}}}


def _read_conflist(file: Path) -> Obj:
    """Raises FieldError that names the file, and the line in it."""
    try:
        text = read_text(file)
        return check_conflist(json.loads(text))
    except json.JSONDecodeError as error:
        raise FieldError(_CONFLIST, f"{file}:{error.lineno}: not JSON: {error.msg}") from error
    except RecursionError:
        raise FieldError(_CONFLIST, f"{file}: it is nested too deeply") from None
    except FieldError as error:
        place = f"{file}:{locate(text, 0, error.path)}"
        raise FieldError(_CONFLIST, f"{place}: {error.message}", error.hint) from None
    except BadInput as error:
        raise FieldError(_CONFLIST, error.message) from None
