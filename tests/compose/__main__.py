"""python -m tests.compose: the engine of the test, for your own hands, until Ctrl-C.

Its rule: it says what reaches it, and leaves nothing.
"""

import contextlib
import shlex
import signal

from errors import EXIT_DONE, run_command
from tests.compose import base_image, engine


def main() -> int:
    with engine.running() as started:
        base_image.load_into(started)
        print("; ".join(f"export {name}={shlex.quote(value)}" for name, value in started.env.items()))
        print(f"its ports: {shlex.join(started.inside())} COMMAND", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
