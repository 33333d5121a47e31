"""Notebooks: what they import to speak of their results, and what executes, cleans and refreshes them."""
