"""The code behind a number: the files of mmlib as they were imported, and the user's own functions and classes."""
