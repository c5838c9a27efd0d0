"""The API's verbs for everyone who is not the API server.

A `Transport` carries requests (HTTP, or straight into a server of the same process), a `Client`
speaks the verbs of Kubernetes over it, a `Cache` lists and watches for ever, a `Reconciler` turns
changes into work by key, an `EventRecorder` tells users what was done.
"""
