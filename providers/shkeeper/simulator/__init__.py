"""SHKeeper without a gateway: webhooks played from a script, and a whole local SHKeeper; for trying out and
for tests."""
