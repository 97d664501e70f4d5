"""The result of a gate for machines: JUnit XML and annotations of GitHub Actions.

Its rule: names come from outside. XML gets no character that it forbids, and an annotation stays one line and command.
"""

from xml.etree import ElementTree

from reports.analysis.text import printable
from reports.analysis.unpaired_ratio import CAVEAT
from reports.comparison.gate import Gate, Outcome

_LEVELS: dict[Outcome, str] = {"pass": "notice", "regression": "error", "inconclusive": "warning"}


def junit(gate: Gate) -> bytes:
    """One test case per mode: a regression is a failure, and an inconclusive mode is an error."""
    count = [judgement.outcome for judgement in gate.judgements].count
    suite = ElementTree.Element(
        "testsuite",
        name=printable(f"{gate.run} against {gate.baseline}"),
        tests=str(len(gate.judgements)),
        failures=str(count("regression")),
        errors=str(count("inconclusive")),
    )
    for judgement in gate.judgements:
        case = ElementTree.SubElement(suite, "testcase", classname="gate", name=printable(judgement.mode))
        text = printable(judgement.text)
        if judgement.outcome == "regression":
            ElementTree.SubElement(case, "failure", message=text)
        elif judgement.outcome == "inconclusive":
            ElementTree.SubElement(case, "error", message=text)
        ElementTree.SubElement(case, "system-out").text = f"{text} ({CAVEAT})"
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    encoded: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return encoded + b"\n"


def annotations(gate: Gate) -> list[str]:
    """One workflow command per mode, which GitHub Actions reads from the output."""
    return [
        f"::{_LEVELS[judgement.outcome]} title={_property(f'{judgement.mode}: {judgement.outcome}')}::"
        f"{_message(f'{judgement.text} ({CAVEAT})')}"
        for judgement in gate.judgements
    ]


def _message(text: str) -> str:
    """Escaped as by the runner's own toolkit (actions/toolkit, command.ts)."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
