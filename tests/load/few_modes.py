"""A locustfile with the modes that FEW_MODES names, for tests: sixteen servers take seconds to start, two do not."""

import os

from load.locustfiles import download_users

vars().update(download_users(*os.environ["FEW_MODES"].split()))
