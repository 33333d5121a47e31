"""What several methods are made of: losses, checks of options, windows of epochs, buffers, parts of one modality."""
