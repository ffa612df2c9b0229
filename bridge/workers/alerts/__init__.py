"""Alerts: people are told of what needs them, by mail and in chats."""
