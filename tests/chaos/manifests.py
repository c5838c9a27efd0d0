"""What a walk gives the API beside its pods."""

LAB = """\
apiVersion: labctl.io/v1alpha1
kind: Lab
spec:
  nodes: {nodes}
  network: {{backend: {backend}}}
  times:
    crashBackoffSeconds: 0.1
    crashBackoffLimitSeconds: 0.2
    heartbeatSeconds: 1
    graceSeconds: 4
    evictionSeconds: 1
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  strategy: {{rollingUpdate: {{maxSurge: 1, maxUnavailable: 1}}}}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 2
      containers: [{{name: web, image: nginx, ports: [{{containerPort: 80}}]}}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec:
  selector: {{app: web}}
  ports: [{{port: {port}, targetPort: 80}}]
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: web}}
spec:
  podSelector: {{matchLabels: {{app: {app}}}}}
  ingress: [{{from: [{{podSelector: {{}}}}]}}]
"""
