"""The runtime's side of the Container Network Interface (specification 1.1).

What plugins are told and what they answer are values (`config`, `results`); a call is a process with
a time limit (`call`); a `Chain` carries out ADD, CHECK, DEL, GC, STATUS and VERSION for a network's
plugins; what was attached is remembered on disk (`records`). Nothing here knows Kubernetes.
"""
