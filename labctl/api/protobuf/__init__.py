"""Bodies in Kubernetes' protobuf, which kubectl sends since 1.32: read into what their JSON would be.

`envelope` decodes a body. `messages.json` is made by tools/read_go_types.py: the fields of every
message by which a stable kind can come. Nothing is written in protobuf here: all clients that send
it take JSON as an answer.
"""

MAGIC = b"k8s\x00"
"""What every such body begins with."""
