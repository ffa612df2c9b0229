"""Terms of the local SHKeeper: what its operator has set, its coins and their daemons, and how it says no."""
