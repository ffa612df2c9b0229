"""Health: checks of readiness, figures for Prometheus, the other bridges, and the state of this one."""
