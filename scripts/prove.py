"""make prove: what each data path really does here, measured outside any timing."""

import argparse

import knobs
from errors import EXIT_DONE, UserError, run_command
from profiles.checks.prove_mode import prove
from profiles.store.proof import Proof
from profiles.store.sending import sentences
from profiles.targets.catalog import discover, file_to_name
from profiles.targets.variants import parse_all, target_of
from scripts.common_arguments import BESIDE, MOST_CALLS, parse, parser_of, print_table, served_folder

HEADINGS = ("mode", "state", "copies", "model", "to the socket", "completions", "system calls per GiB", "")


def main() -> int:
    arguments = parse(parser_of("prove", __doc__, "--root"))
    targets = discover()
    root = served_folder(arguments)
    variants = parse_all(arguments.modes or targets).values()
    proofs = [prove(targets[one.mode], root, one.options, one.name) for one in variants]
    print_table("Proof", HEADINGS, [_row(proof) for proof in proofs])
    for said in sentences(proofs):
        print(said)
    if own := [proof.mode for proof in proofs if targets[target_of(proof.mode)].external and not proof.refusal]:
        print(f"what that is worth: {_worth_it(arguments, own)}")
    for proof in proofs:
        if proof.refusal and arguments.modes:  # asked for by name
            raise UserError(proof.refusal)
    return EXIT_DONE


def _worth_it(arguments: argparse.Namespace, own: list[str]) -> str:
    """The command that holds these servers of the user's own against ours."""
    given = {name: getattr(arguments, name) for name in ("command", "url", "protocol", "ports")}
    values = given | {"modes": [*own, *BESIDE], "quick": True}
    return knobs.command_line("load", values | {"targets": file_to_name(map(target_of, own))})


def _row(proof: Proof) -> tuple[str, ...]:
    share = proof.by_reference_share
    return (
        proof.mode,
        proof.state,
        "–" if proof.measured_copies is None else f"{proof.measured_copies:.2f}",
        "–" if proof.model_copies is None else str(proof.model_copies),
        "–" if share is None else f"{share:.0%} by reference",
        "–" if proof.completions is None else f"{proof.copied_completions} of {proof.completions} copied",
        proof.calls_reason or proof.list_calls(MOST_CALLS, "{:,.0f}".format),
        proof.reason or (f"unknown: {proof.unknown}" if proof.unknown else ""),
    )


if __name__ == "__main__":
    run_command(main)
