"""The envelope of every body: four bytes by which it is known, what is inside, and of which kind."""

from labctl.api.objects import Obj
from labctl.api.protobuf import MAGIC
from labctl.api.protobuf.messages import message_of, read_message
from labctl.api.protobuf.scalars import READERS
from labctl.api.protobuf.wire import Allowance, Malformed, Value, few_fields

_TYPE_META, _RAW = 1, 2  # of runtime.Unknown
_API_VERSION, _KIND = 1, 2  # of runtime.TypeMeta


class NoSuchKind(ValueError):
    """The body is of a kind that cannot come as protobuf."""


def decode(body: bytes, api_version: str, kind: str) -> Obj:
    """The object in a body, of the kind given where the body does not say.

    Raises Malformed for what is no protobuf, NoSuchKind for a kind that is not in the table.
    """
    if not body.startswith(MAGIC):
        prefix = " ".join(str(byte) for byte in MAGIC)
        raise Malformed(
            f"provided data does not appear to be a protobuf message, expected prefix [{prefix}]"
        )
    if len(body) == len(MAGIC):
        raise Malformed("empty body")
    envelope = few_fields(body[len(MAGIC) :])
    type_meta = few_fields(_content(envelope.get(_TYPE_META, b"")))
    api_version = READERS["string"](type_meta.get(_API_VERSION, b"")) or api_version
    kind = READERS["string"](type_meta.get(_KIND, b"")) or kind
    message = message_of(api_version, kind)
    if message is None:
        raise NoSuchKind(f'no kind "{kind}" is registered for version "{api_version}"')
    obj: Obj = {"apiVersion": api_version, "kind": kind}
    return read_message(message, _content(envelope.get(_RAW, b"")), obj, Allowance())


def _content(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    raise Malformed("wrong wireType for a message")
