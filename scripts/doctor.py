"""make doctor: which data paths and features this machine has, and what to do about those it lacks."""

from pathlib import Path

from errors import EXIT_DONE, run_command
from profiles.checks.doctor import external_targets, features
from profiles.checks.prove_mode import prove
from profiles.targets.catalog import discover, file
from scripts.common_arguments import parse, parser_of, print_table


def main() -> int:
    root = parse(parser_of("doctor", __doc__, "--root")).root or Path("data")
    targets = discover().values()
    proofs = [prove(target, root) for target in targets if target.external is None]
    modes = [(proof.mode, proof.state, proof.reason or "does what it is named after") for proof in proofs]
    print_table("Data paths", ("mode", "state", ""), modes)
    if own := external_targets(targets):
        rows = [(each.name, each.state, each.text) for each in own]
        print_table(f"Servers of {file()}", ("target", "state", ""), rows)
    print_table("Features", ("feature", "state", ""), [(each.name, each.state, each.text) for each in features()])
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
