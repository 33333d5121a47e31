"""Which notebook, with which cells and parameters, made a result, and where that result belongs."""
