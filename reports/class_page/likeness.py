"""Which machines are pooled: those that answer one question, ran one version of the servers' code, each once.

Its rule: what most machines have in common decides, and never what they found. Each function gives the machines that
stay, and the others by name with the reason.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable

from reports.class_page.hand_ins import shown
from reports.class_page.machines import Machine, revision
from reports.comparison.differences import CONGESTION, other_question, question

Narrowed = tuple[list[Machine], dict[str, str]]

_OF_HARDWARE = ("cpu_model", "cpus", "memory_bytes", "swap_bytes", "kernel_command_line", "virtualisation")


def of_one_question(machines: list[Machine], modes: tuple[str, str]) -> Narrowed:
    """Settings, the file's size, options: all that counts as the question (reports/comparison/differences.py)."""

    def asked(machine: Machine) -> Hashable:
        texts = question(machine.run, modes)
        return tuple(sorted(item for item in texts.items() if not item[0].endswith(CONGESTION)))

    usual = _most_common(machines, asked)
    unlike = [(each, usual and other_question(each.run, usual.run, modes)) for each in machines]
    refused = {each.name: f"other question: {shown(text, 300)}" for each, text in unlike if text}
    return [each for each, text in unlike if not text], refused


def of_one_version(machines: list[Machine]) -> Narrowed:
    """By the digest of the servers' code, or by the project's revision where an older report does not hold one."""
    usual = _most_common(machines, lambda machine: machine.version)
    unlike = [each for each in machines if usual and each.version != usual.version]
    refused = {each.name: _other_version(each, usual) for each in unlike if usual}
    return [each for each in machines if usual and each.version == usual.version], refused


def _other_version(machine: Machine, usual: Machine) -> str:
    one, other = revision(machine.run), revision(usual.run)
    revisions = f"revision {one}, the others {other}" if one != other else f"although of revision {one} like the others"
    return f"other version: it ran other code of the servers ({revisions})"


def each_once(machines: list[Machine]) -> Narrowed:
    """A run that was handed in twice counts once, and of the runs of a machine since it was started the last."""
    refused: dict[str, str] = {}
    kept: dict[Hashable, Machine] = {}
    runs: dict[Hashable, Machine] = {}
    for machine in sorted(machines, key=lambda each: (each.run.started_at, each.name)):
        same = runs.setdefault((machine.run.started_at, machine.run.seed, machine.paired.ratios), machine)
        if same is not machine:
            refused[machine.name] = f"the same run as {same.name}, which counts once"
            continue
        boot = machine.run.host.get("boot_id")
        earlier = kept.pop(boot, None) if boot else None
        if earlier:
            refused[earlier.name] = f"the same machine as {machine.name} (not restarted between them): the later counts"
        kept[boot or machine.name] = machine
    return list(kept.values()), refused


def alike(machines: Iterable[Machine]) -> tuple[tuple[str, ...], ...]:
    """Names of reports that may be of one machine, before and after a restart; or the machines are of one kind."""
    groups: dict[Hashable, list[str]] = {}
    for machine in machines:
        if machine.run.host.get("memory_bytes"):
            groups.setdefault(tuple(machine.run.host.get(name) for name in _OF_HARDWARE), []).append(machine.name)
    return tuple(tuple(names) for names in groups.values() if len(names) > 1)


def _most_common(machines: list[Machine], key: Callable[[Machine], Hashable]) -> Machine | None:
    """One of those that most have in common, the first of equals; None for no machines."""
    keys = [key(machine) for machine in machines]
    counted = Counter(keys)
    place = max(range(len(keys)), key=lambda place: counted[keys[place]], default=None)
    return None if place is None else machines[place]
