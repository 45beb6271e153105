"""What every result object shares: whose it is, what made it, what it refers to, its codes and its file."""
