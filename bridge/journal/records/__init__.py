"""Records: the journal by subject, as the rest of the bridge writes to it and looks things up."""
