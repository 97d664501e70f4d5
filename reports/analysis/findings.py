"""What was found about the validity of a run.

- void: the mode's numbers do not mean what they say, and nothing is concluded from them.
- caution: the numbers stand, with this beside them.
- unknown: nobody looked, so nobody knows.
"""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["void", "caution", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """mode: whose numbers it concerns, None for the whole run. rounds: where, empty for everywhere."""

    kind: Severity
    text: str
    mode: str | None = None
    rounds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Validity:
    findings: tuple[Finding, ...]

    def of(self, kind: Severity) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind == kind)

    @property
    def word(self) -> Literal["valid", "caution", "void"]:
        """The worst finding. An unknown counts as a caution."""
        kinds = {finding.kind for finding in self.findings}
        return "void" if "void" in kinds else "caution" if kinds else "valid"

    def void_reason(self, mode: str) -> str | None:
        reasons = [finding.text for finding in self.of("void") if finding.mode in (mode, None)]
        return "; ".join(reasons) or None
