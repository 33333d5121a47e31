"""The commands of ``python -m mmlib``, one per file; each has ``register(commands)``, which adds its sub-parser."""


def say(line: str) -> None:
    """Prints a line of progress at once: a log that is read while it grows."""
    print(line, flush=True)
