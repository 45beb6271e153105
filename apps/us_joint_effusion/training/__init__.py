"""How the network of joint effusions is trained and measured."""
