"""The result of a gate for machines: JUnit XML and annotations of GitHub Actions.

Its rule: names come from outside. XML gets no character that it forbids, and an annotation stays one line and command.
"""

from xml.etree import ElementTree

from reports.analysis.text import printable
from reports.comparison.judgement import Gate, Judgement, Outcome

_LEVELS: dict[Outcome, str] = {"pass": "notice", "regression": "error", "unclear": "warning"}
_ELEMENTS: dict[Outcome, str] = {"regression": "failure", "unclear": "error"}


def junit(gate: Gate) -> bytes:
    """One test case per mode: a regression is a failure, and an unclear mode is an error. Cautions and voids of the
    runs stand in its output."""
    count = [judgement.outcome for judgement in gate.judgements].count
    suite = ElementTree.Element(
        "testsuite",
        name=printable(gate.name),
        tests=str(len(gate.judgements)),
        failures=str(count("regression")),
        errors=str(count("unclear")),
    )
    for judgement in gate.judgements:
        suite.append(_case(gate, judgement))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    encoded: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return encoded + b"\n"


def _case(gate: Gate, judgement: Judgement) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname="gate", name=printable(judgement.mode))
    if element := _ELEMENTS.get(judgement.outcome):
        ElementTree.SubElement(case, element, message=printable(judgement.text))
    lines = [f"{judgement.text} ({gate.scope})", *(note.line for note in judgement.notes)]
    ElementTree.SubElement(case, "system-out").text = "\n".join(map(printable, lines))
    return case


def annotations(gate: Gate) -> list[str]:
    """One workflow command per mode, and one per caution or void, which GitHub Actions reads from the output."""
    judged = [
        f"::{_LEVELS[judgement.outcome]} title={_property(f'{judgement.mode}: {judgement.outcome}')}::"
        f"{_message(f'{judgement.text} ({gate.scope})')}"
        for judgement in gate.judgements
    ]
    return judged + [
        f"::warning title={_property(f'{note.kind} in run {note.run}')}::{_message(note.line)}" for note in gate.notes
    ]


def _message(text: str) -> str:
    """Escaped as by the runner's own toolkit (actions/toolkit, command.ts)."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
