"""Series → slices in the patient → stacks, or a refusal by name."""
