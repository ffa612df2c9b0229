"""SHKeeper, the self-hosted crypto gateway: its signature, its webhooks, its API, and a simulation for trying out."""
