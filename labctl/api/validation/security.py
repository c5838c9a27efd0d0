"""The rules of securityContexts and of what a pod shares and is called (ValidatePodSpec)."""

from collections.abc import Iterator
from ipaddress import ip_address

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names, terms

ADDRESS_SENTENCE = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"

_MAX_INT32 = 2**31 - 1
_SERVERS_MAX, _SEARCHES_MAX = 3, 32
_NO_ESCALATION = "cannot set `allowPrivilegeEscalation` to false and "


def check_pod_security(spec: Obj, path: str) -> Iterator[Cause]:
    """The pod's own securityContext, and what it shares."""
    context = spec.get("securityContext") or {}
    here = f"{path}.securityContext"
    for member in ("runAsUser", "runAsGroup", "fsGroup"):
        yield from terms.within(context, member, 0, _MAX_INT32, here)
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        if not 0 <= group <= _MAX_INT32:
            field = f"{here}.supplementalGroups[{index}]"
            sentence = f"must be between 0 and {_MAX_INT32}, inclusive"
            yield causes.invalid(field, group, sentence)
    yield from _sysctls(context.get("sysctls") or (), spec, f"{here}.sysctls")
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        sentence = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield causes.invalid(f"{path}.shareProcessNamespace", True, sentence)


def _sysctls(sysctls: list[Obj] | tuple[()], spec: Obj, path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, one in enumerate(sysctls):
        field, name = f"{path}[{index}].name", one.get("name") or ""
        if not name:
            yield causes.required(field)
        elif name in seen:
            yield causes.duplicate(field, name)
        elif spec.get("hostNetwork") and name.replace("/", ".").startswith("net."):
            yield causes.invalid(field, name, "may not be specified when 'hostNetwork' is true")
        seen.add(name)


def check_container_security(context: Obj, path: str) -> Iterator[Cause]:
    for member in ("runAsUser", "runAsGroup"):
        yield from terms.within(context, member, 0, _MAX_INT32, path)
    if context.get("allowPrivilegeEscalation") is not False:
        return
    if context.get("privileged"):
        yield causes.invalid(path, context, f"{_NO_ESCALATION}`privileged` to true")
    if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
        sentence = f"{_NO_ESCALATION}`capabilities.Add` CAP_SYS_ADMIN"
        yield causes.invalid(path, context, sentence)


def check_naming(spec: Obj, path: str) -> Iterator[Cause]:
    """Host aliases and dnsConfig."""
    if "hostAliases" in spec:
        yield from _host_aliases(spec["hostAliases"], f"{path}.hostAliases")
    config, here = spec.get("dnsConfig") or {}, f"{path}.dnsConfig"
    servers, searches = config.get("nameservers") or (), config.get("searches") or ()
    if spec.get("dnsPolicy") == "None" and not config:
        yield causes.required(here, "must provide `dnsConfig` when `dnsPolicy` is None")
    elif spec.get("dnsPolicy") == "None" and not servers:
        sentence = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        yield causes.required(f"{here}.nameservers", sentence)
    if len(servers) > _SERVERS_MAX:
        sentence = f"must not have more than {_SERVERS_MAX} nameservers"
        yield causes.invalid(f"{here}.nameservers", servers, sentence)
    for index, server in enumerate(servers):
        if not is_address(server):
            yield causes.invalid(f"{here}.nameservers[{index}]", server, ADDRESS_SENTENCE)
    if len(searches) > _SEARCHES_MAX:
        sentence = f"must not have more than {_SEARCHES_MAX} search paths"
        yield causes.invalid(f"{here}.searches", searches, sentence)


def _host_aliases(aliases: list[Obj], path: str) -> Iterator[Cause]:
    for index, alias in enumerate(aliases):
        if not is_address(alias.get("ip", "")):
            field = f"{path}[{index}].ip"
            yield causes.invalid(field, alias.get("ip", ""), ADDRESS_SENTENCE)
        for number, hostname in enumerate(alias.get("hostnames") or ()):
            for problem in names.subdomain(hostname):
                field = f"{path}[{index}].hostnames[{number}]"
                yield causes.invalid(field, hostname, problem)


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
