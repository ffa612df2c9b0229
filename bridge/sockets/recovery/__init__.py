"""Recovery: sessions that outlive a connection, and what their clients missed."""
