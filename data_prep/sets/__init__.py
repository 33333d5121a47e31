"""One module a data set: where it comes from and how it is converted."""
