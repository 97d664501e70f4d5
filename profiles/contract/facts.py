"""What MODE must say: checks of a data path's facts. Each raises BrokenContractError."""

import inspect
from itertools import pairwise

from profiles.contract.subject import BrokenContractError, Subject
from profiles.targets.config_file import NAME
from servers import discovery

ARGUMENTS = ("sock", "fd", "offset", "count")
PORTS = range(1024, 65536)


def is_a_function(subject: Subject) -> None:
    """It was imported, or it would not be a subject."""
    if not inspect.isfunction(subject.send_file):
        raise BrokenContractError(f"send_file is no function, but {type(subject.send_file).__name__}")


def named_as_its_file(subject: Subject) -> None:
    facts = subject.facts
    if facts.name != subject.name:
        raise BrokenContractError(f"MODE's name is {facts.name!r}, and that of its file {subject.name!r}")
    if not NAME.fullmatch(facts.name):
        raise BrokenContractError(f"{facts.name!r} is no name: small letters, digits and single dashes")
    if not facts.summary or "%" in facts.summary:  # argparse would take it for a format
        raise BrokenContractError(f"MODE's summary is {facts.summary!r}: it needs words, and no percent sign")


def port_of_its_own(subject: Subject) -> None:
    port = subject.facts.port
    others = {facts.port: facts.name for facts in discovery.discover().values() if facts.name != subject.name}
    if port not in PORTS or port in others:
        whose = f"{others[port]}'s" if port in others else f"not from {PORTS[0]} to {PORTS[-1]}"
        raise BrokenContractError(f"MODE's port is {port}, which is {whose}")


def copies_from_disk_to_card(subject: Subject) -> None:
    copies = subject.facts.copies
    if not copies or copies[0].source != "disk" or copies[-1].destination != "NIC":
        raise BrokenContractError("MODE's copies do not lead from the disk to the NIC")
    for before, after in pairwise(copies):
        if before.destination != after.source:
            raise BrokenContractError(f"a copy of MODE ends in the {before.destination}, and the next begins in another"
                                      f" place, the {after.source}")  # fmt: skip
    if not copies[0].by == copies[-1].by == "dma":
        raise BrokenContractError("MODE's first and last copy are not by dma: disk and card do them by themselves")


def options_are_keywords(subject: Subject) -> None:
    parameters = list(inspect.signature(subject.send_file).parameters.values())
    if (first := tuple(parameter.name for parameter in parameters[:4])) != ARGUMENTS:
        raise BrokenContractError(f"send_file takes {', '.join(first) or 'nothing'}, and not {', '.join(ARGUMENTS)}")
    keywords = {parameter.name.replace("_", "-"): parameter for parameter in parameters[4:]}
    for name, parameter in keywords.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise BrokenContractError(f"send_file's {parameter.name} is no keyword: put a * before it")
        if name not in {option.name for option in subject.facts.options}:
            raise BrokenContractError(f"send_file has a keyword {parameter.name}, and MODE no option {name}")
    for option in subject.facts.options:
        if option.name not in keywords or keywords[option.name].default != option.default_bytes:
            raise BrokenContractError(f"MODE's option {option.name} is no keyword of send_file with the same default")
        if not option.minimum_bytes <= option.default_bytes <= option.maximum_bytes or "%" in option.summary:
            raise BrokenContractError(f"MODE's option {option.name}: its default is out of its limits, or its summary "
                                      f"has a percent sign")  # fmt: skip
