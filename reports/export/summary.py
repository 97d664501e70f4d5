"""What a run found, in short: as JSON for programs, and as a table in Markdown for a pull request.

Its rule: both say what the report says, with the same words, and names from outside cannot break out of a cell.
"""

import html
from typing import Any

import msgspec

from profiles.store.sending import disagreement, sentence, sentences, way
from reports.analysis.ranking import groups
from reports.analysis.rounds import Spread
from reports.analysis.text import interval, plural, printable
from reports.analysis.verdict import Verdict
from reports.analysis.workload import caption
from reports.explanations import machine_line
from reports.run_data import RunData
from reports.terminal import COLUMNS, row_of

Json = dict[str, Any]


def as_json(run: RunData) -> bytes:
    """UTF-8; null is unknown. Keys are documented in docs/report.md."""
    return msgspec.json.format(msgspec.json.encode(summary(run)), indent=2) + b"\n"


def summary(run: RunData) -> Json:
    facts, dataset, validity = run.run, run.dataset, run.validity
    return {
        "run": facts.name,
        "started_at": facts.started_at,
        "state": facts.state,
        "question": facts.question,
        "cache": facts.cache,
        "command": facts.command,
        "seed": facts.seed,
        "baseline": facts.baseline,
        "rounds": {"judged": len(dataset.rounds), "measured": len(dataset.all_rounds)},
        "smallest_difference": run.delta,
        "validity": {
            "word": validity.word,
            "badge": validity.badge,
            "findings": [{"kind": each.kind, "mode": each.mode, "text": each.text} for each in validity.findings],
        },
        "modes": [_mode(run, mode) for mode in dataset.modes],
        "cheapest_first": [list(group.modes) for group in groups(run.verdicts, facts.baseline, run.delta)],
        "ranking": list(run.ranking),
        "worth": list(run.worth),
        "host": facts.host,
        "software": facts.software,
    }


def _mode(run: RunData, mode: str) -> Json:
    verdict = _verdict(run, mode)
    paired = verdict.paired if verdict else None
    ratio = paired and {
        "ratio": paired.estimate[0],
        "low": paired.low,
        "high": paired.high,
        "confidence": paired.confidence,
        "rounds": paired.rounds,
    }
    return {
        "mode": mode,
        "void": run.validity.void_reason(mode),
        "sends": _sends(run, mode),
        "verdict": verdict and {"kind": verdict.kind, "sentence": verdict.sentence},
        "server_cpu_to_baseline": ratio,
        "metrics": {
            facts.name: _spread(run.dataset.spread(mode, facts.name, per_gib=facts.per_gib))
            | {"unit": facts.unit, "per_gib": facts.per_gib}
            for facts in run.run.metrics
        },
    }


def _sends(run: RunData, mode: str) -> Json | None:
    """How a server of the user's own sends; None for a mode of ours, and where nothing was proved."""
    proof = run.proof(mode)
    if proof is None or (said := sentence(proof)) is None:
        return None
    return {"by": way(proof), "sentence": said, "contradiction": disagreement(proof)}


def _verdict(run: RunData, mode: str) -> Verdict | None:
    return next((found for found in run.verdicts if found.mode == mode), None)


def _spread(found: Spread | None) -> Json:
    """Over the judged rounds."""
    return {name: getattr(found, name) if found else None for name in ("median", "low", "high")}


def as_markdown(run: RunData) -> str:
    """A heading, a row per mode, then what follows from it and what speaks against it."""
    rounds = plural(len(run.dataset.rounds), "complete round")
    columns = ["mode", f"server CPU of {run.run.baseline}", *(title for title, *_ in COLUMNS)]
    notes = [*run.ranking, *sentences(run.dataset.proofs), *run.worth, f"validity: {run.validity.badge}"]
    for (kind, text), modes in run.validity.said("void", "caution").items():
        notes.append(f"{kind}: {', '.join(modes)}{': ' * bool(modes)}{text}")
    lines = [
        f"**{_text(run.run.name)}**: medians of {rounds}, {_text(caption(run.run))}",
        "",
        _row(columns),
        _row(["---", *["---:"] * (len(columns) - 1)], escaped=True),
        *(_row([mode, _ratio(run, mode), *row_of(run, mode)]) for mode in run.dataset.modes),
        "",
        *(f"- {_text(note)}" for note in [*notes, machine_line(run), f"repeated by: {run.run.command}"]),
    ]
    return "\n".join(lines) + "\n"


def _ratio(run: RunData, mode: str) -> str:
    if mode in run.void:
        return "void"
    if mode == run.run.baseline:
        return "baseline"
    verdict = _verdict(run, mode)
    return interval(*verdict.paired.estimate) if verdict and verdict.paired else "unknown"


def _row(cells: list[str], *, escaped: bool = False) -> str:
    return f"| {' | '.join(cells if escaped else map(_text, cells))} |"


def _text(text: str) -> str:
    """Text that is no markup, neither of HTML nor of Markdown."""
    safe = html.escape(printable(text), quote=False)
    return "".join(f"\\{sign}" if sign in r"\`*_[]|" else sign for sign in safe)
