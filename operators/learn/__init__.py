"""What the training programs of several apps share: losses, a loop, scores. No app needs it to run."""
