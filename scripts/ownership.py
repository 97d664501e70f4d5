"""What root makes in a user's checkout, as with `sudo make load NETNS=1`, belongs to that user.

Its rule: only what make makes is given away, never what else root has there, and no link is followed.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
_CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache")
_OF_EXAMPLES = ("examples/.venv", "examples/node_modules")
MADE = (*_OF_EXAMPLES, "data", "lab", "build", "profiles/out", "reports/out", *_CACHES)
_NOT_PYTHON = (".git", "node_modules")


def owner(checkout: Path = CHECKOUT) -> tuple[int, int] | None:
    """User and group of the checkout, where this process is root and it is somebody else's."""
    facts = checkout.stat()
    return None if os.geteuid() != 0 or facts.st_uid == 0 else (facts.st_uid, facts.st_gid)


def give_to_owner(*folders: Path, checkout: Path = CHECKOUT) -> None:
    """Give these folders, and what lies in them, to the owner of the checkout, or say why that is refused."""
    if (to := owner(checkout)) is None:
        return
    for folder in folders:
        try:
            _give(folder, *to)
        except OSError as error:  # in a user namespace without that user, say
            print(f"warning: what root made stays root's, as in {folder}: {error.strerror}", file=sys.stderr)
            return


def make_for_owner(folder: Path, checkout: Path = CHECKOUT) -> None:
    """Make a folder and those above it, for the owner of the checkout. Raises OSError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    give_to_owner(*missing, checkout=checkout)


def made_in(checkout: Path = CHECKOUT) -> Iterator[Path]:
    """What commands write into a checkout, beside its environment; and what Python caches."""
    yield from (checkout / name for name in MADE)
    user = checkout.stat().st_uid
    for base in {checkout, Path(sys.prefix)}:  # an environment of the system's is not the user's
        for folder, names, _ in os.walk(base) if base.stat().st_uid == user else ():
            yield from (Path(folder, name) for name in names if name == "__pycache__")
            names[:] = [name for name in names if name not in _NOT_PYTHON]


def _give(folder: Path, user: int, group: int) -> None:
    if folder.is_symlink() or not folder.is_dir():
        return
    for _, names, files, at in os.fwalk(folder, follow_symlinks=False):
        _give_root_s((*names, *files), at, user, group)
    _give_root_s([str(folder)], None, user, group)


def _give_root_s(names: Iterable[str], at: int | None, user: int, group: int) -> None:
    for name in names:
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            facts = os.stat(name, dir_fd=at, follow_symlinks=False)
            linked = stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1  # perhaps with a file that is no output
            if facts.st_uid == 0 and not linked:
                os.chown(name, user, group, dir_fd=at, follow_symlinks=False)


if __name__ == "__main__":
    give_to_owner(*made_in())
