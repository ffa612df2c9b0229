"""What the bridge costs, beside peers in the same run. Each file is a program; `make help` names them."""
