"""Problems: what is wrong with a payment, in which figures, and what a person may decide about it."""
