"""Training of the app's networks: settings, cases, augmentation, loss, loop."""
