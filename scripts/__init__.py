"""The commands behind make: arguments in, one call into a room, an exit code out."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules load just ends; errors.run_command takes over
