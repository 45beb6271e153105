"""What a Parametric Map consists of: quantities, their stored values and what these mean."""
