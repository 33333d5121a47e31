"""From a user's copy of a release to arrays: layout, lists, conversion part by part, rows, manifest."""
