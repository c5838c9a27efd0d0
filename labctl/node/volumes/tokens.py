"""The tokens of ServiceAccounts in pods' volumes: asked for once a pod, and anew before they expire.

As a kubelet's token manager (pkg/kubelet/token), they are kept in memory alone: the next agent asks
for its own.
"""

import logging
import time
from dataclasses import dataclass

from labctl.api.kinds.core import SERVICEACCOUNTS
from labctl.api.objects import Obj, name, namespace, parse_time, uid
from labctl.client.client import Client
from labctl.errors import StatusError
from labctl.node.pods.sources import Token

_USED = 0.8  # the part of its life after which a token is renewed
_OLDEST_SECONDS = 24 * 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as the API gave it; times are seconds of the epoch."""

    text: str
    at: float
    expires: float

    @property
    def due(self) -> float:
        """When another is asked for."""
        return self.at + min(_USED * (self.expires - self.at), _OLDEST_SECONDS)


class Tokens:
    """The tokens of this node's pods, by uid."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._issued: dict[str, dict[Token, Issued]] = {}

    async def valid(self, pod: Obj, wanted: Token, now: float | None = None) -> str:
        """A token that need not be renewed yet, or cannot be now; raises StatusError for none."""
        now = time.time() if now is None else now
        known = self._issued.setdefault(uid(pod), {})
        issued = known.get(wanted)
        if issued is None or now >= issued.due:
            try:
                issued = known[wanted] = await self._request(pod, wanted)
            except StatusError as error:
                if issued is None or now >= issued.expires:
                    raise
                _log.warning("token for pod %s: %s", name(pod), error.message)
        return issued.text

    def due(self, pod_uid: str) -> float | None:
        """When the first of a pod's tokens is to be renewed; None if it has none."""
        return min((one.due for one in self._issued.get(pod_uid, {}).values()), default=None)

    def forget(self, pod_uid: str) -> None:
        self._issued.pop(pod_uid, None)

    async def _request(self, pod: Obj, wanted: Token) -> Issued:
        account = pod["spec"].get("serviceAccountName") or "default"
        reference = {"apiVersion": "v1", "kind": "Pod", "name": name(pod), "uid": uid(pod)}
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": {"name": account, "namespace": namespace(pod)},
            "spec": {
                "audiences": [wanted.audience] if wanted.audience else [],
                "expirationSeconds": wanted.seconds,
                "boundObjectRef": reference,
            },
        }
        answer = await self._client.create(SERVICEACCOUNTS, request, "token")
        expires = float(parse_time(answer["status"]["expirationTimestamp"]))
        lifetime = float(answer["spec"].get("expirationSeconds") or wanted.seconds)
        return Issued(str(answer["status"]["token"]), expires - lifetime, expires)
