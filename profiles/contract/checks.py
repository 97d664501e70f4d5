"""The table of the contract: what is checked, in the order in which to mend it, and what to look at where it fails."""

from collections.abc import Callable
from dataclasses import dataclass

from profiles.contract import answers, facts
from profiles.contract.subject import Subject


@dataclass(frozen=True, slots=True)
class Check:
    """what: holds where it passes. look_at: what its author should read or try. run: raises where it does not hold."""

    what: str
    look_at: str
    run: Callable[[Subject], None]

    @property
    def name(self) -> str:
        return self.run.__name__


# fmt: off
_ROWS = (
    Check("it can be imported, and has MODE and send_file",
          "that line; and what it imports: the standard library, servers.mode and servers.mechanisms suffice",
          facts.is_a_function),
    Check("MODE is named as its file", "the name, and the words of the summary, in MODE", facts.named_as_its_file),
    Check("its port is its own", "port in MODE: a number that no file of servers/modes/ has", facts.port_of_its_own),
    Check("its copies lead from the disk to the network card", "copies in MODE, and Copy in servers/mode.py",
          facts.copies_from_disk_to_card),
    Check("its options are send_file's keywords", "options in MODE, and what stands behind the * of send_file",
          facts.options_are_keywords),
    Check("the right bytes arrive, whole and in ranges",
          "offset and count: send exactly count bytes from offset on; after each call, add what it did to the one and "
          "take it from the other", answers.exact_bytes),
    Check("short reads and short sends lose nothing",
          "every call that returns how much it did (read, send, sendfile, splice): it may be less than was asked for",
          answers.short_reads_and_sends),
    Check("its options change the path and not the bytes",
          "sizes that are no multiple of a page, or larger than the rest", answers.every_option),
    Check("answers at the same time do not mix", "whatever several threads share: a buffer, a pipe, a file position",
          answers.many_at_once),
    Check("a file that is too short is an error",
          'a read that returns b"", or a sendfile() that returns 0: raise FileShrankError(count) there',
          answers.file_too_short),
    Check("a file that is cut meanwhile is an error",
          "as above, in the middle of an answer; and mapped pages that have gone, which kill whoever touches them "
          "(SIGBUS)", answers.cut_while_sending),
    Check("a peer that has gone is an error", "an except that catches OSError: let it through", answers.peer_gone),
    Check("a peer that reads nothing is an error, in time",
          "the socket's send time-out, SO_SNDTIMEO: the call ends with BlockingIOError, which goes through; leave the "
          "socket blocking", answers.peer_stuck),
    Check("after a bad answer the next one is right", "what the bad answer left in a buffer or a pipe: make it new, or "
          "empty it", answers.good_after_bad),
    Check("nothing is left open", "a finally: or a with for whatever is opened, also where an error goes through",
          answers.nothing_left_open),
)
# fmt: on
CHECKS = {check.name: check for check in _ROWS}
