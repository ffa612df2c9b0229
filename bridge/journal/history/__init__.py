"""History: by what a journal knows that it is the one that was left, and that its offsets are its own."""
