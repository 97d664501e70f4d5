"""Everything that a report is made of: the records of a run and what was concluded from them.

Its rule: it is read from the run's folder alone, and complete before the first section is rendered.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from errors import UsageError, UserError, suggestion
from profiles.store.files import read_plain, readable
from profiles.store.proof import Proof
from profiles.store.records import DeepProfile, Floor, Probe, Profile, Run, Sample, Slice
from profiles.store.run_facts import Code, TargetFacts
from profiles.store.run_folder import PACED_FOLDER, RUN_FILE, RunFolder
from profiles.store.sweep_folder import SweepFolder
from reports.analysis.aa_floor import effective_floor
from reports.analysis.choice import choice
from reports.analysis.disk import beside_the_disk
from reports.analysis.findings import Validity
from reports.analysis.ranking import ranking
from reports.analysis.rounds import Dataset, build
from reports.analysis.sensitivity import Sensitivity, sensitivity
from reports.analysis.text import plural
from reports.analysis.validity import check
from reports.analysis.verdict import Verdict, conclude, delta
from reports.analysis.worth import worth
from reports.flames.perf_profile import PerfProfile, from_folded

INTERACTIVE = "interactive, not a campaign: nothing was paired, so nothing is concluded"


@dataclass(frozen=True, slots=True)
class RunData:
    """What a section renders.

    attachments: flame graphs and stacks by file name. floor: the A/A floor in force, None if unknown. sensitivity: the
    verdicts without the most disturbed rounds, None where none stood out. deep: perf profiles by mode; deep_profiles
    say why one is missing. paced: where both questions were asked (docs/method.md §2), the answer to the paced one;
    no_paced: why there is none. code: the servers' source. slices: what the cells are the sums of, none in a run of
    windows.
    """

    run: Run
    dataset: Dataset
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
    slices: tuple[Slice, ...] = ()

    @property
    def interactive(self) -> bool:
        """Whether it was a load by hand: nothing is paired, so there are no verdicts."""
        return self.run.kind == "interactive"

    @property
    def delta(self) -> float:
        """The smallest difference that matters, as a share (docs/method.md §5)."""
        return delta(self.floor.reach if self.floor else None)

    @property
    def ranking(self) -> tuple[str, ...]:
        """Which mode is the cheapest, and by how much, in lines; none where the intervals do not say."""
        return ranking(self.verdicts, self.run.baseline, self.delta)

    @property
    def worth(self) -> tuple[str, ...]:
        """What servers of the user's own pay beside sendfile and read-send, and which to choose, in lines."""
        return (*worth(self.dataset, self.void), *choice(self.dataset, self.void))

    @property
    def disk(self) -> tuple[str, ...]:
        """Where modes were read from both: what the disk costs, and whether it drowns the copies, in lines."""
        return beside_the_disk(self.dataset, self.void)

    @property
    def answers(self) -> "tuple[RunData, ...]":
        """One per answered question."""
        return (self,) if self.paced is None else (self, self.paced)

    def on_page(self, name: str) -> str:
        """An anchor that is unique on a page with both answers."""
        return f"{name}-{PACED_FOLDER}" if self.run.name.endswith(f"/{PACED_FOLDER}") else name

    @property
    def void(self) -> frozenset[str]:
        """The modes whose numbers must not be used, be it for their baseline's fault."""
        own = {mode for mode in self.dataset.modes if self.validity.void_reason(mode)}
        return frozenset(own | {verdict.mode for verdict in self.verdicts if verdict.kind == "void"})

    def check_mode(self, mode: str) -> None:
        """Raises UsageError where the run did not measure this mode."""
        if mode not in self.dataset.modes:
            known = ", ".join(self.dataset.modes)
            hint = suggestion(mode, self.dataset.modes)
            raise UsageError(f"run {self.run.name!r} has no mode {mode!r}: it has {known}{hint}")

    def target(self, mode: str) -> TargetFacts:
        return next(target for target in self.run.targets if target.name == mode)

    def profile(self, mode: str) -> Profile | None:
        return next((found for found in self.dataset.profiles if found.cell.mode == mode), None)

    def proof(self, mode: str) -> Proof | None:
        return next((found for found in self.dataset.proofs if found.mode == mode), None)


def find(profiles: Path, name: str | None, tell: Callable[[str], None] = lambda _: None) -> RunFolder:
    """The folder of the named run, or of the latest campaign with a complete round.

    tell: takes a line about each run that was skipped. Raises UsageError without a run, UserError where none holds a
    complete round.
    """
    try:
        return _latest(profiles, tell) if name is None else _named(profiles, name)
    except OSError as error:
        raise UserError(f"cannot look for runs in {profiles}: {error.strerror}; check its permissions") from error


def _named(profiles: Path, name: str) -> RunFolder:
    whole = name.removesuffix(f"/{PACED_FOLDER}")
    if whole != Path(whole).name or whole in ("", ".", ".."):
        raise UsageError(f"{name!r} is not a valid run name: give the name of a folder in {profiles}, without its path")
    if SweepFolder(profiles / name).exists:
        raise UsageError(f"{name!r} is a sweep, not a single run: `make report RUN={name}` shows it")
    if not (profiles / name).is_dir():
        raise no_run(profiles, name)
    return RunFolder(profiles / name)


def no_run(profiles: Path, name: str) -> UsageError:
    """What to say of a run that is not there: what was perhaps meant, and what there is."""
    names = sorted(path.parent.name for path in profiles.glob(f"*/{RUN_FILE}"))
    latest = f"choose from {', '.join(names[-8:])}" if names else "it is empty; `make load` measures a run"
    return UsageError(f"there is no run {name!r} in {profiles}{suggestion(name, names)} ({latest})")


def _latest(profiles: Path, tell: Callable[[str], None]) -> RunFolder:
    """By when it began, as its record says: a copied folder has other times."""
    found = [RunFolder(path.parent) for path in profiles.glob(f"*/{RUN_FILE}")]
    if not found:
        raise UsageError(f"there is no run in {profiles}: measure one with `make load`")
    for folder in sorted(found, key=lambda folder: (folder.started_s, folder.path), reverse=True):
        if reason := _why_empty(folder) or (INTERACTIVE if folder.read_run().kind == "interactive" else None):
            tell(f"skipped run {folder.path.name!r}: {reason}")
        else:
            return folder
    raise UserError(f"no campaign in {profiles} holds a complete round: measure again with `make load`")


def _why_empty(folder: RunFolder) -> str | None:
    """Why a run has nothing to report; None where it has."""
    try:
        run, cells = folder.read_run(), folder.read_cells()
        return None if build(run, cells).rounds else f"it holds {_nothing(run, len(cells))}"
    except UserError as error:
        return str(error)


def _nothing(run: Run, cells: int) -> str:
    """What a run without a round to judge holds, and why."""
    lost = next((f": {void.reason}" for void in reversed(run.voids) if void.mode == run.baseline), "")
    return f"no complete round ({plural(cells, 'cell')}, state {run.state}){lost}"


def read_run(folder: RunFolder, *, whole: bool = True) -> RunData:
    """Read a run and conclude from it. Raises UserError where it cannot be read, or holds no complete round.

    whole: with the samples and profiler output, which are large and change no conclusion.
    """
    run = folder.read_run()
    samples, deep_profiles = (folder.read(Sample), folder.read(DeepProfile)) if whole else ((), ())
    passes = (folder.read(Profile), samples, folder.read(Proof), folder.read(Probe))
    dataset = build(run, folder.read_cells(), *passes)
    found = concluded(dataset)
    attachments = _attachments(folder, dataset.profiles, deep_profiles) if whole else {}
    perf = {each.mode: deep for each in deep_profiles if each.mode in run.modes and (deep := _deep(each, attachments))}
    code = folder.read(Code) if whole else ()
    found = replace(found, attachments=attachments, deep_profiles=deep_profiles, perf=perf, code=code)
    return _with_paced(replace(found, slices=folder.read(Slice)), folder.paced)


def concluded(dataset: Dataset) -> RunData:
    """What follows from these records. Raises UserError where they hold no complete round."""
    run = dataset.run
    if not dataset.rounds:
        raise UserError(f"run {run.name!r} holds {_nothing(run, len(dataset.cells))}: measure again")
    validity, floor = check(dataset), effective_floor(dataset)
    reach = floor.reach if floor else None
    verdicts = () if run.kind == "interactive" else conclude(dataset, validity, reach)
    without = sensitivity(dataset, validity, verdicts, reach)
    if without:
        validity = replace(validity, findings=(*validity.findings, *without.cautions))
    return RunData(run, dataset, validity, verdicts, {}, floor, without)


def read_campaign(profiles: Path, name: str | None, *, whole: bool = False) -> RunData:
    """The named campaign, or the latest, called after its folder whatever its record says. whole: see read_run.

    Raises UserError where there is none, or it cannot be read.
    """
    folder = find(profiles, name)
    run = read_run(folder, whole=whole)
    if run.interactive:
        raise UsageError(f"run {folder.name!r} is {INTERACTIVE}: compare campaigns")
    return replace(run, run=replace(run.run, name=folder.name))


def _with_paced(run: RunData, folder: RunFolder) -> RunData:
    """With the answer to the paced question, where it was asked too."""
    if not (folder.path / RUN_FILE).is_file():
        return run
    if reason := _why_empty(folder):
        return replace(run, no_paced=reason)
    return replace(run, paced=read_run(folder, whole=False))


def _deep(profile: DeepProfile, attachments: dict[str, bytes]) -> PerfProfile | None:
    folded = attachments.get(profile.folded or "")
    return from_folded(profile, folded.decode(errors="replace")) if folded else None


def _attachments(
    folder: RunFolder, profiles: tuple[Profile, ...], deep_profiles: tuple[DeepProfile, ...]
) -> dict[str, bytes]:
    """The files that the profiles name, where they exist; a name with a path is ignored."""
    names = {name for profile in profiles for name in (profile.svg, profile.raw) if name}
    names |= {profile.folded for profile in deep_profiles if profile.folded}
    paths = {name: folder.path / name for name in sorted(names) if name == Path(name).name}
    found = {}
    for name, path in paths.items():
        with contextlib.suppress(FileNotFoundError), readable(path, "restore or remove the file"):
            found[name] = read_plain(path) if path.exists() else b""
    return {name: content for name, content in found.items() if content}
