"""What the API server tells of itself in OpenAPI: `/openapi/v2` and `/openapi/v3`.

From a sequence of resources and the definitions of their kinds come documents (`swagger`, `v3`),
which `endpoint` keeps as compressed bytes. kubectl explains kinds from them, and learns whether
the server validates fields and knows dry runs.
"""
