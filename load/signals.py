"""Ctrl-C under gevent: it arrives in the main greenlet, wherever gevent was when it came.

Its rule: Python raises KeyboardInterrupt in whatever greenlet runs at that moment, and Locust's spawning greenlet
swallows it; thrown into the main greenlet it always ends the run.
"""

import gevent


def raise_in_main_greenlet(*numbers: int) -> None:
    """Turn each of these signals into a KeyboardInterrupt in the greenlet that calls this; the first one counts."""
    main = gevent.getcurrent()

    def interrupt() -> None:
        for number in numbers:  # one is enough: the next must not cut the clean-up short
            gevent.signal_handler(number, lambda: None)
        main.throw(KeyboardInterrupt)

    for number in numbers:
        gevent.signal_handler(number, interrupt)
