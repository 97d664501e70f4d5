"""Load: Locust users that download the test file over raw sockets, and the campaign that directs them.

Importing locust monkey-patches the process (gevent), so only this room and locustfile.py do it. The sampler and the
servers, which must not be patched, run in other processes.
"""
