"""Workers: what the bridge does by itself, in a package for each thing that they look after."""
