"""Ctrl-C under gevent.

Python raises KeyboardInterrupt in whatever greenlet runs at that moment, and Locust's spawning greenlet swallows it.
Raised in the main greenlet, it always ends the run.
"""

import gevent


def raise_in_main_greenlet(*numbers: int) -> None:
    """Turn the first of these signals into a KeyboardInterrupt in the greenlet that calls this."""
    main = gevent.getcurrent()

    def interrupt() -> None:
        for number in numbers:  # a second one must not cut the clean-up short
            gevent.signal_handler(number, lambda: None)
        main.throw(KeyboardInterrupt)

    for number in numbers:
        gevent.signal_handler(number, interrupt)
