"""The controllers: each compares one kind of wish with what is there, and writes the next step.

Every controller is two parts. A pure core takes objects and the time and returns what to write; it
is tested as a value. A thin shell marks keys when a cache changes, calls the core with the present
state, performs the writes through the API, and tells of them as Events. Controllers know each other
only through the API.
"""
