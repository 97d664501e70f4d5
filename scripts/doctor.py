"""make doctor: which data paths and features this machine has, and what to do about those it lacks."""

from errors import EXIT_DONE, CommandParser, run_command
from profiles.checks.doctor import Feature, features, guests
from profiles.checks.prove_mode import prove
from profiles.targets.catalog import discover, file
from scripts.common_arguments import folder_argument, print_table


def main() -> int:
    parser = CommandParser(prog="python -m scripts.doctor", description=__doc__)
    root = folder_argument(parser)
    found = discover().values()
    proofs = [prove(target, root) for target in found if target.guest is None]
    modes = [(proof.mode, proof.state, proof.reason or "does what it is named after") for proof in proofs]
    print_table("Data paths", ("mode", "state", ""), modes)
    if own := guests(found):
        print_table(
            f"Servers of {file()}", ("target", "state", ""), [(each.name, each.state, each.text) for each in own]
        )
    print_table("Features", ("feature", "state", ""), [(each.name, each.state, each.text) for each in features()])
    return EXIT_DONE


def _rows(found: list[Feature]) -> list[tuple[str, ...]]:
    return [(each.name, each.state, each.text) for each in found]


if __name__ == "__main__":
    run_command(main)
