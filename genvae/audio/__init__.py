"""Sound files: decoding in blocks, resampling, writing, playing."""
