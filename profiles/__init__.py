"""Profiles: what was observed. Counters, samples and flame graphs, with the facts needed to read them later.

`records.py` says what is stored and `run_folder.py` stores it; `agent.py` is the process beside the servers that
observes them. Nothing in this room imports locust, and nothing concludes: that is for `reports/`.
"""
