"""Kinds that users define: from a CustomResourceDefinition to what the built-in kinds have in code.

A definition becomes `Resource`s (`definition.py`), one a served version, each with a `CustomType`
that holds its structural schema. By that schema objects are pruned, defaulted and validated.
"""
