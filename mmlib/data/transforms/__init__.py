"""What data sets do to raw arrays: standardise, normalise clips, mix sounds, split texts, keep twins together."""
