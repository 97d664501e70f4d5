"""A locustfile with the modes that FEW_MODES names, for tests: sixteen servers take seconds to start, two do not."""

import os

from load.locust_hooks import install
from load.users.locust_users import user_classes

USERS = {name: found for name, found in user_classes().items() if found.target in os.environ["FEW_MODES"].split()}
vars().update(USERS)
install(USERS)
