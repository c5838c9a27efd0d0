"""A lab's images: read from archives, unpacked into layers, kept under their names.

`load` and `store` are what others use; the runtime only asks the store for what a name means.
"""
