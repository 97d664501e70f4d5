"""make target: write a server of the user's own into targets.toml, by the command that starts it."""

from pathlib import Path

from errors import EXIT_DONE, UsageError, remedy, run_command
from profiles.targets import catalog, config_file, one_line
from scripts.common_arguments import parser_of


def main() -> int:
    arguments = parser_of("target", __doc__).parse_args()
    if len(arguments.command or ()) != 1:
        raise UsageError(f"make target writes one server: give one COMMAND, like {one_line.EXAMPLE}")
    path = arguments.targets or catalog.file() or catalog.DEFAULT_FILE
    catalog.use(str(path) if path.exists() else "")
    known = catalog.in_file()
    names, ports = (arguments.name or "").split(), arguments.ports or ""
    tables = catalog.named_tables(arguments.command, (), arguments.protocol, ports, names)
    if len(names) == len(tables) == 1:
        tables = dict(zip(names, tables.values(), strict=True))
    for name in (*names, *tables):
        if name in known:
            raise UsageError(f"there is a {name} already (with {path}): give another NAME")
    config_file.targets_of(tables, path.absolute().parent, frozenset(known), "COMMAND")
    _append(path, "\n".join(one_line.as_toml(name, table) for name, table in tables.items()))
    said, modes = " and ".join(f"[{name}]" for name in tables), " ".join(tables)
    modes = modes if len(tables) == 1 else f'"{modes}"'
    print(f"{path} has {said} now: make prove MODES={modes}; what else it may say is in docs/targets.md")
    return EXIT_DONE


def _append(path: Path, text: str) -> None:
    try:
        before = path.read_text() if path.exists() else ""
        path.write_text(f"{before.rstrip()}\n\n{text}" if before.strip() else text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; {remedy(error)}") from error


if __name__ == "__main__":
    run_command(main)
