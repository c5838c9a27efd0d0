"""The API server: from a request, over a socket or from within the process, to the store and back.

The chain, a file or package a step: `authentication` → `authorization` → (`admission`, `validation`
inside the verbs of `registry`) → `labctl.store`. Reads and watches are served from `watchcache`,
which one watch of the store feeds. `http` puts the chain on sockets, `local` hands it to components
of the same process, `kubelet` is the hop to the agents.
"""
