"""Reading: the transfers out of blocks, at the head and in long ranges."""
