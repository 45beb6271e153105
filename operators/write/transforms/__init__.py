"""What registrations consist of: the spaces that they relate, matrices and vector grids."""
