"""Sound, pictures and motion out of media files."""
