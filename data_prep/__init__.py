"""Fetches the data sets and converts them once to a safe, hashed form."""
