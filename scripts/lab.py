"""make lab: writes a data path to fill in, lab/NAME.py. Its contract stands in its comments."""

import re
from collections.abc import Collection
from pathlib import Path

from errors import EXIT_DONE, UsageError, UserError, remedy, run_command
from profiles.targets import catalog, config_file
from scripts.common_arguments import parser_of

LAB = Path(__file__).resolve().parent.parent / "lab"
TEMPLATE = "_template.py"
_PORT = re.compile(r"\bport=(\d{1,5})\b")


def main() -> int:
    name = parser_of("lab", __doc__).parse_args().name
    known = catalog.in_file()
    check_name(name, known)
    path = LAB / f"{name.replace('-', '_')}.py"
    text = filled(name, free_port({target.facts.port for target in known.values()}))
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(
            f"lab/{path.name} is there already, and is left as it is: give another NAME, or remove it"
        ) from error
    except OSError as error:
        raise UserError(f"lab/{path.name} cannot be written: {error.strerror}; {remedy(error)}") from error
    print(f"lab/{path.name} is written: fill in send_file, then make lab-check NAME={name}")
    return EXIT_DONE


def check_name(name: str, known: Collection[str]) -> None:
    """Raises UsageError for what cannot be the name of a new data path. known: names that are taken."""
    if not config_file.NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        hint = f"; did you mean {near}?" if config_file.NAME.fullmatch(near) else ""
        raise UsageError(f"NAME={name!r}: give small letters, digits and single dashes, like my-path{hint}")
    if name in known or name in config_file.RESERVED:
        raise UsageError(f"NAME={name}: there is a mode or a server of that name already: give another")
    if alike := next((each for each in known if each.replace("-", "") == name.replace("-", "")), None):
        raise UsageError(f"NAME={name} and {alike} differ by a dash only: give another")


def filled(name: str, port: int) -> str:
    """The template for this mode."""
    text = (LAB / TEMPLATE).read_text()
    return text.replace("mine", name).replace("port=8097", f"port={port}")


def free_port(taken: Collection[int]) -> int:
    """The first number behind those of all modes, of servers that are known and of other files of lab/."""
    texts = [path.read_text(errors="replace") for path in LAB.glob("[!_]*.py")]
    used = {*taken, *(int(port) for text in texts for port in _PORT.findall(text))}
    return next(port for port in range(8097, 65536) if port not in used)


if __name__ == "__main__":
    run_command(main)
