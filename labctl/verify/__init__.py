"""The verifier: proves from captured packets that a lab's network keeps Kubernetes' promises.

API objects become a `Topology` (snapshot); the claims become checks (plan); an oracle says what
each end should see; the engine sends probes through the pods' own stacks and captures in the
namespaces at both ends; what differs is traced hop by hop and judged; a report says it all. Nothing
here is shared with the code that builds the network.
"""

from labctl.verify.plan import CLAIMS, PROTOCOLS
from labctl.verify.run import verify
from labctl.verify.snapshot import snapshot
from labctl.verify.steady import steady
from labctl.verify.topology import Endpoint, Kind, LeftOut, Topology

__all__ = [
    "CLAIMS",
    "PROTOCOLS",
    "Endpoint",
    "Kind",
    "LeftOut",
    "Topology",
    "snapshot",
    "steady",
    "verify",
]
