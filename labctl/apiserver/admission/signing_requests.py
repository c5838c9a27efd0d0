"""Who asks for a certificate: a CertificateSigningRequest says it in the server's words.

pkg/registry/certificates/certificates/strategy.go: whatever the client wrote there is replaced.
"""

from labctl.api.kinds.certificates import CERTIFICATESIGNINGREQUESTS
from labctl.api.objects import Obj
from labctl.apiserver.admission import Circumstances

_MEMBERS = ("username", "uid", "groups", "extra")


def name_requestor(circumstances: Circumstances, obj: Obj) -> Obj:
    """The request with the user who made it; it stays so for ever."""
    if circumstances.resource is not CERTIFICATESIGNINGREQUESTS:
        return obj
    spec = {k: v for k, v in (obj.get("spec") or {}).items() if k not in _MEMBERS}
    if circumstances.operation == "CREATE":
        user = circumstances.user
        return {**obj, "spec": {**spec, "username": user.name, "groups": list(user.groups)}}
    if circumstances.operation == "UPDATE" and circumstances.old is not None:
        return {**obj, "spec": circumstances.old.get("spec") or {}}
    return obj
