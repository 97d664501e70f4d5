"""A locustfile with the modes that FEW_MODES names, for tests: sixteen servers take seconds to start, two do not.

As in locustfile.py, the course's modes among them are loaded unless others are asked for.
"""

import os

from load.locustfiles import Classes, download_users


def _few() -> Classes:
    classes = download_users(*os.environ["FEW_MODES"].split())
    for one in classes.values():
        one.named = False
    return classes


vars().update(_few())
