"""What data sets do to raw arrays: standardise, cut and normalise clips, mix sounds, split texts, keep twins together."""
