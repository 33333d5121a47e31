"""Prepared arrays: read with a proof that they are what was written, kept in memory or on the disk."""
