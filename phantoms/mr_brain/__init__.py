"""A simulated MR scanner for the brain: anatomy, contrast, lesions and their truth."""
