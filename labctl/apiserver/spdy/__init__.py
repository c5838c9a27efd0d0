"""SPDY/3.1, the server's side, as far as kubectl speaks it: exec, attach and port-forward.

`frames`, `headers` and `session` know no sockets; `connection` gives each stream to a coroutine,
over either of the `wires`.
"""
