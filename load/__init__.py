"""Load: Locust users that download the test file over raw sockets, and the campaign that directs them.

Importing locust monkey-patches the process (gevent), so only this room and locustfile.py do it, and what must not be
patched, the sampler and the servers, lives in other processes.
"""
