"""The commands behind make: arguments in, one call into a room, an exit code out."""
