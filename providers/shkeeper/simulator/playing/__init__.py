"""Playing at the local SHKeeper: the world around it, as a person or a test has it, and what it has done."""
