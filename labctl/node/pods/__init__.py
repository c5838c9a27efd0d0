"""A node's pods, from API object to processes and back to status.

`plan` (pure) says what to do next for one pod from its object and what the runtime has of it;
`execute` does it; `status` (pure) says what the API shall be told; `worker` is the loop of these.
"""
