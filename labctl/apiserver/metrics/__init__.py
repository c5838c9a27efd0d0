"""The group metrics.k8s.io: what nodes and pods use, asked of the agents when somebody asks."""
