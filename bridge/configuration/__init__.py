"""Configuration: where settings are read from, and the words for what is wrong with them."""
