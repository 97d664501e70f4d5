"""Profiles: what was observed. Counters, samples and flame graphs, with the facts needed to read them later.

`store/` holds the records and the only code that reads and writes them; `agent/` is the process beside the servers that
observes them. Nothing in this room imports locust, and nothing draws conclusions: that is for `reports/`.
"""
