"""The one error of a preparation that cannot go on."""


class PreparationError(RuntimeError):
    """A data set could not be prepared; the message says why and what to do."""
