"""Findings of an electrocardiogram by a network, with probabilities and what they rest on."""
