"""May they: the fourth step of the chain, by who asks, the verb and the resource alone.

`system:masters` may do everything. For all others it is enough that the node authorizer or RBAC
allows it; nobody ever forbids what another allowed. What is refused is refused in Kubernetes' words.
"""

from labctl.apiserver.authorization.attributes import Attributes, attributes_of, refusal
from labctl.apiserver.authorization.nodes import NodeAuthorizer, node_name
from labctl.apiserver.authorization.rbac import Rbac
from labctl.apiserver.request import Request
from labctl.apiserver.watchcache.cache import WatchCache

__all__ = ["MASTERS", "Attributes", "Authorizer", "attributes_of", "node_name"]

MASTERS = "system:masters"


class Authorizer:
    """The union of those who can allow something.

    Roles, bindings and pods come from the cache. A refusal may be due to a cache that is behind a
    write which its writer has been told of, so one is given only with the newest state at hand.
    """

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache
        self._nodes = NodeAuthorizer(cache)
        self.rbac = Rbac(cache)

    async def authorize(self, request: Request) -> None:
        """Raises 403 unless the request's user may do what it asks for."""
        if MASTERS not in request.user.groups and not self.rbac.allows(request):
            await self.require(attributes_of(request))

    async def require(self, asked: Attributes) -> None:
        """Raises 403 unless the answer is yes."""
        allowed, _ = self.decide(asked)
        if not allowed:
            await self._cache.fresh()
            allowed, reason = self.decide(asked)
            if not allowed:
                raise refusal(asked, reason)

    def decide(self, asked: Attributes) -> tuple[bool, str]:
        """Whether it is allowed, and why, or why not where that can be said."""
        user = asked.user
        if MASTERS in user.groups:
            return True, ""
        reasons = []
        node = node_name(user)
        if node and not asked.path:
            refused = self._nodes.refuses(asked, node)
            if refused is None:
                return True, ""
            reasons.append(refused)
        allowed = self.rbac.why(asked)
        if allowed:
            return True, allowed
        missing = [f"{role} not found" for role in self.rbac.permissions(user).missing_roles]
        if missing:
            reasons.append(f"RBAC: {', '.join(missing)}")
        return False, "\n".join(reason for reason in reasons if reason)
