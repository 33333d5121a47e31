"""Whether every file in a results folder is still what was written."""

from mmlib.audit.verify.folder import verify

__all__ = ["verify"]
