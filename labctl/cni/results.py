"""What plugins answer: results, errors and versions, read from their output. Pure.

Every reader raises CniError, worded to follow `plugin type="bridge" failed (add): `.
"""

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from labctl.cni.config import Config, numbers
from labctl.cni.errors import CniError

_SHOWN = 200  # characters of what cannot be understood
_VERSION_IN_ADDRESSES = (1, 0, 0)  # from which on an address does not say of which family it is


def read_result(output: bytes, version: str) -> Config:
    """The result of an ADD, in the form of `version`."""
    result = _object(output)
    _list_of_objects(result, "ips")
    _list_of_objects(result, "interfaces")
    if "code" in result and "msg" in result and "ips" not in result:
        raise CniError(f"it ended well, but with an error: {_error_text(result)}")
    return _in_version(result, version)


def _object(output: bytes) -> Config:
    if not output.strip():
        raise CniError("it printed no result")
    try:
        result = json.loads(output)
    except (ValueError, RecursionError):
        raise CniError(f"it printed no JSON: {_shown(output)}") from None
    if not isinstance(result, dict):
        raise CniError(f"it printed no JSON object: {_shown(output)}")
    return result


def _list_of_objects(result: Config, key: str) -> None:
    found = result.get(key)
    if found is None:
        return
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise CniError(f"{key} of its result is no list of objects: {_shown(str(found).encode())}")


def _in_version(result: Config, version: str) -> Config:
    """A chain speaks one version; a plugin that answers in another one is understood."""
    addresses = [dict(one) for one in result.get("ips") or ()]
    for one in addresses:
        if numbers(version) >= _VERSION_IN_ADDRESSES:
            one.pop("version", None)
        else:
            one["version"] = "6" if ":" in str(one.get("address")) else "4"
    found = {**result, "cniVersion": version}
    return {**found, "ips": addresses} if addresses else found


def pod_address(result: Mapping[str, Any]) -> str:
    """The first IPv4 address of a result, which is what the pod is known by."""
    for one in result.get("ips") or ():
        text = str(one.get("address", ""))
        try:
            address = ipaddress.ip_interface(text)
        except ValueError:
            raise CniError(f"{text[:_SHOWN]!r} of its result is no address") from None
        if address.version == 4:
            return str(address.ip)
    raise CniError("its result has no IPv4 address")


def host_interfaces(result: Mapping[str, Any]) -> frozenset[str]:
    """The links that a result says were made on the node."""
    made = result.get("interfaces") or ()
    return frozenset(str(one["name"]) for one in made if one.get("name") and not one.get("sandbox"))


def read_failure(code: int, output: bytes, complaints: bytes) -> CniError:
    """The error of a plugin that ended with a code other than 0 (below 0: by a signal)."""
    how = f"exit code {code}" if code >= 0 else f"signal {-code}"
    try:
        error = _object(output)
    except CniError:
        said = complaints.strip() or output.strip()
        return CniError(f"{how}: {_shown(said)}" if said else f"{how}, and not a word why")
    if "msg" not in error and "code" not in error:
        return CniError(f"{how}: {_shown(output)}")
    number = error.get("code")
    return CniError(_error_text(error), number if isinstance(number, int) else 0)


def _error_text(error: Mapping[str, Any]) -> str:
    text = str(error.get("msg") or f"error code {error.get('code')}")
    details = error.get("details")
    return f"{text}; {details}" if details else text


def read_versions(output: bytes) -> tuple[str, ...]:
    """The versions that a plugin supports."""
    found = _object(output).get("supportedVersions")
    if not isinstance(found, list):
        raise CniError(f"it tells no supportedVersions: {_shown(output)}")
    return tuple(map(str, found))


def _shown(data: bytes) -> str:
    text = " ".join(data[: 4 * _SHOWN].decode(errors="backslashreplace").split())
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
