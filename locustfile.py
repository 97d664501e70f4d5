"""What Locust finds: one user class per target, and the hooks that start and end the servers.

`locust -f locustfile.py` opens the web UI on 127.0.0.1:8089; `make load` runs a campaign without it.
"""

from load.locust_hooks import install
from load.users.locust_users import user_classes

USERS = user_classes()
vars().update(USERS)  # Locust takes its users from this module's names; a new mode needs no line here
install(USERS)
