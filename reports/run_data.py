"""One object with everything a report is made of: the records of a run and what was concluded from them.

Its rule: it is read from the run's folder alone, and complete before the first section is rendered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from errors import UsageError, UserError
from profiles.store.records import Code, DeepProfile, Floor, Profile, Proof, Run, TargetFacts
from profiles.store.run_folder import PACED_FOLDER, RUN_FILE, RunFolder
from profiles.store.sweep_folder import SweepFolder
from reports.analysis.aa_floor import effective_floor
from reports.analysis.rounds import Dataset, build
from reports.analysis.sensitivity import Sensitivity, sensitivity
from reports.analysis.text import plural
from reports.analysis.validity import Validity, check
from reports.analysis.verdict import Verdict, conclude, delta
from reports.flames.perf_profile import PerfProfile, from_folded

INTERACTIVE = "interactive, not a campaign: nothing was paired, so nothing is concluded"


@dataclass(frozen=True, slots=True)
class RunData:
    """What a section gets. attachments: flame graphs and stacks by their file name. floor: the A/A floor in force, None
    where it is unknown. sensitivity: the verdicts from other rounds, None where none was disturbed. perf:
    its profile of a mode, where it saw anything; deep_profiles say why not. paced: where both questions were asked
    (method.md §2), the answer to the paced one, or in no_paced why there is none. code: the servers' own, as it was."""

    run: Run
    measured: Dataset
    validity: Validity
    verdicts: tuple[Verdict, ...]
    attachments: dict[str, bytes]
    floor: Floor | None = None
    sensitivity: Sensitivity | None = None
    deep_profiles: tuple[DeepProfile, ...] = ()
    perf: Mapping[str, PerfProfile] = field(default_factory=dict)
    paced: "RunData | None" = None
    no_paced: str | None = None
    code: tuple[Code, ...] = ()

    @property
    def interactive(self) -> bool:
        """A load by hand: nothing was paired, so nothing is concluded, and there are no verdicts."""
        return self.run.kind == "interactive"

    @property
    def delta(self) -> float:
        """What is too small to matter, as a share: the larger of 2 % and the A/A floor (method.md §5)."""
        return delta(self.floor.reach if self.floor else None)

    @property
    def answers(self) -> "tuple[RunData, ...]":
        """One per question that was asked, and could be answered."""
        return (self,) if self.paced is None else (self, self.paced)

    @property
    def is_part(self) -> bool:
        """Whether it is the paced part of a run that asked both questions."""
        return self.run.name.endswith(f"/{PACED_FOLDER}")

    def on_page(self, name: str) -> str:
        """A name that is unique on a page with the answers to both questions."""
        return f"{name}-{PACED_FOLDER}" if self.is_part else name

    @property
    def void(self) -> frozenset[str]:
        """The modes whose numbers, or whose baseline's, do not mean what they say."""
        own = {mode for mode in self.measured.modes if self.validity.void_reason(mode)}
        return frozenset(own | {verdict.mode for verdict in self.verdicts if verdict.kind == "void"})

    def target(self, mode: str) -> TargetFacts:
        return next(target for target in self.run.targets if target.name == mode)

    def profile(self, mode: str) -> Profile | None:
        return next((found for found in self.measured.profiles if found.cell.mode == mode), None)

    def proof(self, mode: str) -> Proof | None:
        return next((found for found in self.measured.proofs if found.mode == mode), None)


def find(profiles: Path, name: str | None, tell: Callable[[str], None] = lambda _: None) -> RunFolder:
    """The folder of the run of this name, or of the latest one that holds a complete round.

    tell: takes a line about each later run that was passed over. Raises UsageError where there is none, UserError where
    none holds a complete round.
    """
    try:
        return _latest(profiles, tell) if name is None else _named(profiles, name)
    except OSError as error:
        raise UserError(f"cannot look for runs in {profiles}: {error.strerror}; check its permissions") from error


def _named(profiles: Path, name: str) -> RunFolder:
    whole = name.removesuffix(f"/{PACED_FOLDER}")
    if whole != Path(whole).name or whole in ("", ".", ".."):
        raise UsageError(f"{name!r} is not the name of a run: give one of the folders in {profiles}, without its path")
    if SweepFolder(profiles / name).exists:
        raise UsageError(f"{name!r} is a sweep, and no single run: `make report RUN={name}` shows it")
    if not (profiles / name).is_dir():
        names = ", ".join(sorted(path.parent.name for path in profiles.glob(f"*/{RUN_FILE}"))[-8:])
        there_are = f"there are {names}" if names else "there is none yet; `make load` makes one"
        raise UsageError(f"there is no run {name!r} in {profiles}: {there_are}")
    return RunFolder(profiles / name)


def _latest(profiles: Path, tell: Callable[[str], None]) -> RunFolder:
    found = sorted(profiles.glob(f"*/{RUN_FILE}"), key=lambda path: (path.stat().st_mtime_ns, path))
    if not found:
        raise UsageError(f"there is no run in {profiles}: `make load` makes one")
    for path in reversed(found):
        folder = RunFolder(path.parent)
        if reason := _why_empty(folder) or _why_no_campaign(folder.read_run()):
            tell(f"passed over run {folder.path.name!r}: {reason}")
        else:
            return folder
    raise UserError(f"no campaign in {profiles} holds a complete round: measure again with `make load`")


def _why_no_campaign(run: Run) -> str | None:
    """Why a run is not what is meant by "the latest"; None when it is."""
    return INTERACTIVE if run.kind == "interactive" else None


def _why_empty(folder: RunFolder) -> str | None:
    """Why a run has nothing to report; None when it has."""
    try:
        run, cells = folder.read_run(), folder.read_cells()
        complete = build(run, cells).rounds
    except UserError as error:
        return str(error)
    return None if complete else f"it holds no complete round ({plural(len(cells), 'cell')}, state {run.state})"


def load(folder: RunFolder, *, whole: bool = True) -> RunData:
    """Read a run and conclude from it. Raises UserError where it cannot be read, or holds no complete round.

    whole: with the samples and the flame graphs, which are many bytes and change no conclusion.
    """
    run = folder.read_run()
    samples = folder.read_samples() if whole else ()
    passes = (folder.read_profiles(), samples, folder.read_proofs(), folder.read_probes())
    records = build(run, folder.read_cells(), *passes)
    if not records.rounds:
        raise UserError(
            f"run {run.name!r} holds no complete round ({len(records.cells)} cells, state {run.state}), so that there "
            f"is nothing to report; measure again with `make load`"
        )
    validity = check(records)
    floor = effective_floor(records)
    reach = floor.reach if floor else None
    verdicts = () if run.kind == "interactive" else conclude(records, validity, reach)
    others = sensitivity(records, validity, verdicts, reach) if verdicts else None
    deep_profiles = folder.read_deep() if whole else ()
    attachments = _attachments(folder, records.profiles, deep_profiles) if whole else {}
    seen = {profile.mode: _deep(profile, attachments) for profile in deep_profiles}
    known = {mode: found for mode, found in seen.items() if found is not None and mode in run.modes}
    found = RunData(run, records, validity, verdicts, attachments, floor, others, deep_profiles, known)
    found = replace(found, code=folder.read_code() if whole else ())
    return _with_paced(found, folder.paced)


def _with_paced(run: RunData, folder: RunFolder) -> RunData:
    """With the answer to the other question, where it was asked too."""
    if not (folder.path / RUN_FILE).is_file():
        return run
    if reason := _why_empty(folder):
        return replace(run, no_paced=reason)
    return replace(run, paced=load(folder, whole=False))


def _deep(profile: DeepProfile, attachments: dict[str, bytes]) -> PerfProfile | None:
    folded = attachments.get(profile.folded or "")
    return from_folded(profile, folded.decode(errors="replace")) if folded else None


def _attachments(
    folder: RunFolder, profiles: tuple[Profile, ...], deep_profiles: tuple[DeepProfile, ...]
) -> dict[str, bytes]:
    """The files that the profiles name, where they exist; a name that leaves the folder is not followed."""
    names = {name for profile in profiles for name in (profile.svg, profile.raw) if name}
    names |= {profile.folded for profile in deep_profiles if profile.folded}
    paths = {name: folder.path / name for name in sorted(names) if name == Path(name).name}
    try:
        return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}; restore the file, or remove it") from error
