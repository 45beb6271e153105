"""Running networks: device choice, weights, sliding window, softmax ensembles."""
