"""Bodies in Kubernetes' protobuf, which kubectl sends since 1.32: read into what their JSON would be.

`messages.json` is made by tools/read_go_types.py: the fields of every message by which a stable kind
can come. Nothing is written in protobuf here: all clients that send it take JSON as an answer.
"""

from labctl.api.protobuf.envelope import MAGIC, NoSuchKind, decode
from labctl.api.protobuf.wire import Malformed

__all__ = ["MAGIC", "Malformed", "NoSuchKind", "decode"]
