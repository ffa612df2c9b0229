"""Rooms: who is connected, who is in which room, and what was delivered there lately."""
