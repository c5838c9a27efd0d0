"""Lab files and manifests of which tests of several areas make their labs."""

_LAB_OF_FOUR_PODS = """\
apiVersion: labctl.io/v1alpha1
kind: Lab
metadata: {{name: four}}
spec:
  nodes: 2
  network: {{backend: {backend}, healing: {healing}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 4
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - {{name: nginx, image: "nginx:1.14.2", ports: [{{containerPort: 80}}]}}
"""
POD_ON_EVERY_NODE = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: stand-in, image: nginx, ports: [{containerPort: 80}]}
      - {name: program, image: x, command: [sleep, "1000"]}
"""


def lab_of_four_pods(backend: str, *, healing: bool) -> str:
    """Two nodes with two pods of the Deployment `web` each."""
    return _LAB_OF_FOUR_PODS.format(backend=backend, healing=str(healing).lower())
