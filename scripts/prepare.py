"""What docker-compose.yml does first: the agent's token and the test file, where they are not there yet.

Its rule: it is called at every start and changes nothing the second time; what would fail at the end of a campaign,
such as a folder that cannot be written, fails here.
"""

import os
import secrets
import tempfile
from pathlib import Path

from errors import EXIT_DONE, CommandParser, UserError, remedy, run_command
from profiles.store.files import write_file
from servers import payload
from units import format_size, parse_size

TOKEN_BYTES = 32
WRITTEN = [Path("profiles/out"), Path("reports/out")]


def main() -> int:
    parser = CommandParser(prog="python -m scripts.prepare", description=__doc__)
    parser.add_argument("--token-file", type=Path, required=True, help="the token is made there")
    parser.add_argument("--size", default=payload.SIZE, help="of the test file (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=payload.ROOT, help="folder for it (default: %(default)s)")
    written = "folders that must be writable (default: profiles/out reports/out)"
    parser.add_argument("--written", type=Path, nargs="+", default=WRITTEN, help=written)
    arguments = parser.parse_args()
    size_bytes = parse_size(arguments.size)
    for folder in arguments.written:
        _check_writable(folder)
    _make_token(arguments.token_file)
    folder = payload.folder_of(arguments.root, size_bytes)
    if not payload.exists(folder, size_bytes):
        print(f"making a test file of {format_size(size_bytes)}", flush=True)
        payload.make(folder, size_bytes, lambda _: None)
    return EXIT_DONE


def _check_writable(folder: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        owner = f", which belongs to user {folder.stat().st_uid}" if folder.exists() else ""
        raise UserError(
            f"user {os.geteuid()} cannot write into {folder}{owner}: {error.strerror}; run the containers as yourself: "
            f"export BENCH_USER=$(id -u):$(id -g)"
        ) from error


def _make_token(path: Path) -> None:
    """For its owner alone to read (profiles.agent insists on it), and never half written."""
    try:
        if path.exists() and path.read_text().strip():
            return
    except OSError as error:
        raise UserError(f"cannot read the token {path}: {error.strerror}; {remedy(error)}") from error
    write_file(path, f"{secrets.token_urlsafe(TOKEN_BYTES)}\n".encode(), mode=0o600, make_parents=False)


if __name__ == "__main__":
    run_command(main)
