"""Opening archives, wheels and pickles of others without trusting them."""
