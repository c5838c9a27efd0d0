"""Others who make networks of namespaces, on the same machine: what they take for the same."""
