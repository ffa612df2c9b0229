"""One folder a provider. Each turns its provider's own words into the coordinator's observations."""
