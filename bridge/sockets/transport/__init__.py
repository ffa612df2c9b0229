"""Transport: Engine.IO over WebSocket and polling, from the bytes of a client to its packets and back."""
