"""What is measured, by name: a mode, or a variant of one, which is the same mode with other options.

    sendfile                                    the mode
    read-send@chunk=64KiB+buffer-offset=16      the mode with other options
    sendfile@cold, read-send@chunk=64KiB@cold       the same from the disk, beside others from the page cache
    read-send@again, read-send@chunk=64KiB@again    the same once more, to see what two equals differ by

Its rule: a variant has one name, so that the same options are never measured under two. What stands before the first @
is the target's name. Options are joined by +, which neither make nor a shell takes for its own, and which a list of
names, joined by commas, does not contain.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from errors import UsageError, suggestion
from profiles.store.run_facts import TargetFacts
from profiles.targets import catalog
from units import exact_size, parse_size

_MARK, _AND, _COLD, _AGAIN = "@", "+", "cold", "again"
_LONGEST = 200  # files are named after it
_FORM = "MODE@option=size, like read-send@chunk=64KiB+buffer-offset=16, MODE@cold or MODE@again"


@dataclass(frozen=True, slots=True)
class Variant:
    """A mode under a name. options: in bytes; the mode's defaults hold for all others."""

    name: str
    mode: str
    options: Mapping[str, int]

    @property
    def is_plain(self) -> bool:
        """Whether it is the mode itself, which alone may have the mode's port."""
        return self.name == self.mode

    @property
    def is_again(self) -> bool:
        return self.name.endswith(_MARK + _AGAIN)

    @property
    def is_cold(self) -> bool:
        """Whether its file is dropped from the page cache before each download."""
        return _COLD in self.name.split(_MARK)[1:]

    @property
    def cold(self) -> "Variant":
        """The same from the disk; itself where it is that already."""
        name, mark, again = self.name.partition(_MARK + _AGAIN)
        return self if self.is_cold else replace(self, name=f"{name}{_MARK}{_COLD}{mark}{again}")

    @property
    def again(self) -> "Variant":
        """The same once more. Raises UsageError where it is that already."""
        if self.is_again:
            raise UsageError(f"CALIBRATE=1 measures the baseline once more: {self.name!r} is that already")
        return replace(self, name=self.name + _MARK + _AGAIN)

    def facts_of(self, target: TargetFacts) -> TargetFacts:
        """What is recorded of it. target: of the mode."""
        said = self.name.split(_MARK)[1:]
        differs = [f"with {' and '.join(part.split(_AND))}" for part in said if part not in (_COLD, _AGAIN)]
        differs += ["from the disk"] if self.is_cold else []
        differs += ["once more, to see what two equals differ by"] if self.is_again else []
        summary = f"{self.mode} {' '.join(differs)}" if differs else target.summary
        options = target.options | dict(self.options)
        return replace(target, name=self.name, summary=summary, options=options, cold=self.is_cold)


def target_of(name: str) -> str:
    """The target behind a name."""
    return name.partition(_MARK)[0]


def canonical(text: str) -> str:
    """The one name of what a text names. Raises UsageError where it has not the form of a name."""
    mode, options, marks = _split(text)
    said = _AND.join(f"{name}={_short(size)}" for name, size in sorted(options.items()))
    return _MARK.join([mode, *([said] if said else []), *marks])


def parse(text: str, basis: Mapping[str, Mapping[str, int]] | None = None) -> Variant:
    """The variant of this name. basis: options by mode, which all variants of it have too, unless they name another
    size. Raises UsageError for a mode or an option that does not exist."""
    mode, options, _ = _split(text)
    (target,) = catalog.choose([mode])
    for name in options:
        if name not in target.facts.options:
            near, having = suggestion(name, target.facts.options), ", ".join(target.facts.options) or "none"
            raise UsageError(f"{text}: {mode} has no option {name!r}{near} (its options are {having})")
    target.check(options)
    return Variant(canonical(text), mode, {**(basis or {}).get(mode, {}), **options})


def parse_all(texts: Iterable[str], basis: Mapping[str, Mapping[str, int]] | None = None) -> dict[str, Variant]:
    """The variants by name, in this order. Raises UsageError, as above, and for two that are the same."""
    targets = catalog.discover()
    found: dict[str, Variant] = {}
    seen: dict[object, str] = {}
    for text in texts:
        variant = parse(text, basis)
        options = targets[variant.mode].facts.options | dict(variant.options)
        key = variant.name if variant.is_again else (variant.mode, variant.is_cold, frozenset(options.items()))
        if key in seen:
            hint = "" if variant.is_again else f", or name {seen[key]}{_MARK}{_AGAIN} to measure it once more"
            raise UsageError(
                f"a mode is measured once per round, and {seen[key]} and {text} are the same: leave one out{hint}"
            )
        seen[key] = text
        found[variant.name] = variant
    return found


def _short(size: int) -> str:
    """64KiB, 16."""
    return exact_size(size).removesuffix(" B").replace(" ", "")


def _split(text: str) -> tuple[str, dict[str, int], list[str]]:
    """Mode, options, and "cold" and "again" where they are said, in this order. Raises UsageError."""
    mode, *given = text.split(_MARK)
    marks: list[str] = []
    for mark in (_AGAIN, _COLD):
        marks = [*given[-1:], *marks] if given[-1:] == [mark] else marks
        given = given[:-1] if given[-1:] == [mark] else given
    options: dict[str, int] = {}
    if not mode or len(given) > 1 or len(text) > _LONGEST:
        raise UsageError(f"{text[:_LONGEST]!r} is not the name of a mode or a variant: give {_FORM}")
    for word in (word for part in given for word in part.split(_AND)):
        name, equals, size = word.partition("=")
        if not name or not equals:
            raise UsageError(f"{text!r} is not the name of a mode or a variant: give {_FORM}")
        if name in options:
            raise UsageError(f"{text!r} gives {name} twice: leave one out")
        options[name] = parse_size(size)
    return mode, options, marks
