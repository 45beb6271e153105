"""How the network of findings is trained."""
