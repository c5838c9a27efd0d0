"""python -m benchmarks.floor PODS NODES: makes them, takes them away, and says what it took."""

import json
import sys

from benchmarks.floor.cluster import measure

print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
