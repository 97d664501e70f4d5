"""What a locustfile takes from here: `from load.locustfiles import download_users`. The name is a promise.

Its rule: however many locustfiles ask (`-f locustfile.py,mine.py`), a data path has one user class and one server.
"""

import sys
from functools import cache

from errors import UsageError, UserError, suggestion
from load.locust_hooks import install
from load.users.locust_users import DownloadUser, user_classes

Classes = dict[str, type[DownloadUser]]
_known = cache(user_classes)
_installed: Classes = {}


def download_users(*modes: str) -> Classes:
    """User classes that download from our servers, by class name, for the names of a locustfile:
    `globals().update(download_users("sendfile", "splice"))`. Without modes: of every data path and external server.

    The servers start and end with Locust, and each load is saved as a run. What is named here is loaded unless other
    classes are asked for; of all, that is the course's three. A mode that does not exist ends Locust with one line.
    """
    try:
        chosen = _chosen(modes)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if not _installed:
        install(_installed)
    _installed.update(chosen)
    return chosen


def _chosen(modes: tuple[str, ...]) -> Classes:
    """Raises UserError."""
    by_mode = {one.target: one for one in _known().values()}
    for mode in modes:
        if mode not in by_mode:
            raise UsageError(f"a locustfile asks for {mode!r}, which is no data path{suggestion(mode, by_mode)}")
        by_mode[mode].named = True
    return {name: one for name, one in _known().items() if not modes or one.target in modes}
