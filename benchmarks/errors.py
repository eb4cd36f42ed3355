"""What stops a benchmark."""


class BenchmarkError(Exception):
    """A benchmark cannot be run, or a peer did not do what it was measured for."""


class MissingError(BenchmarkError):
    """Something that a peer needs is not installed; the others can still run."""
