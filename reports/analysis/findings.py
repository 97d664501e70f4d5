"""What was found about the validity of a run.

- void: the mode's numbers do not mean what they say, and nothing is concluded from them.
- caution: the numbers stand, with this beside them.
- unknown: nobody looked, so nobody knows.

Its rule: what was found about one mode is that mode's. It is the run's only where it concerns the baseline, which
every other mode is compared with, or all others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Severity = Literal["void", "caution", "unknown"]
Word = Literal["valid", "caution", "void"]
WORDS: tuple[Word, ...] = ("valid", "caution", "void")


@dataclass(frozen=True, slots=True)
class Finding:
    """mode: whose numbers it concerns, None for the whole run. rounds: where, empty for everywhere."""

    kind: Severity
    text: str
    mode: str | None = None
    rounds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Validity:
    """modes: that are judged, the baseline first."""

    findings: tuple[Finding, ...]
    modes: tuple[str, ...] = ()

    def of(self, kind: Severity) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def word_of(self, mode: str | None) -> Word:
        """The worst finding about a mode; None: about the whole run. An unknown counts as a caution."""
        kinds = {finding.kind for finding in self.findings if finding.mode == mode}
        return "void" if "void" in kinds else "caution" if kinds else "valid"

    @property
    def word(self) -> Word:
        """The run's own."""
        others = [WORDS.index(self.word_of(mode)) for mode in self.modes[1:]]
        own = [WORDS.index(self.word_of(mode)) for mode in (None, *self.modes[:1])]
        return WORDS[max(*own, min(others, default=0))] if self.modes else self.word_of(None)

    @property
    def badge(self) -> str:
        """The run's word, and how many modes are worse: "valid; 2 modes void"."""
        return "; ".join((self.word, *self._worse_modes()))

    def _worse_modes(self) -> Iterator[str]:
        worse = [word for mode in self.modes if WORDS.index(word := self.word_of(mode)) > WORDS.index(self.word)]
        for word, said in (("void", "void"), ("caution", "with cautions")):
            if count := worse.count(word):
                yield f"{count} mode{'s' * (count != 1)} {said}"

    @property
    def voids(self) -> dict[str, str]:
        """The void modes of a run that is not void itself, each with the reason."""
        reasons = {mode: self.void_reason(mode) for mode in self.modes if self.word != "void"}
        return {mode: reason for mode, reason in reasons.items() if reason}

    @property
    def lines(self) -> tuple[str, ...]:
        """What was found, in one line for all modes that it concerns: what nobody looked at is left out."""
        found = self.said("void", "caution").items()
        return tuple(
            f"{kind}: {', '.join(modes)}: {text}" if modes else f"{kind}: {text}" for (kind, text), modes in found
        )

    def void_reason(self, mode: str) -> str | None:
        reasons = [finding.text for finding in self.of("void") if finding.mode in (mode, None)]
        return "; ".join(reasons) or None

    def said(self, *kinds: Severity) -> dict[tuple[Severity, str], list[str]]:
        """What was found of these kinds, each with the modes that it concerns; none for the whole run."""
        found: dict[tuple[Severity, str], list[str]] = {}
        for finding in self.findings:
            if finding.kind in kinds:
                found.setdefault((finding.kind, finding.text), []).extend([finding.mode] if finding.mode else [])
        return found
