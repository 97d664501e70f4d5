"""What Locust finds: one user class per target, and the hooks that start and end the servers.

`locust -f locustfile.py` opens the web UI on 127.0.0.1:8089; `make load` runs a campaign without it.
"""

from load.locustfiles import download_users

vars().update(download_users())  # Locust takes its users from this module's names; a new mode needs no line here
