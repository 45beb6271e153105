"""How the network of breast masses is trained and measured."""
