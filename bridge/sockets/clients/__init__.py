"""What clients may do: the events that they send, and what others see of it."""
