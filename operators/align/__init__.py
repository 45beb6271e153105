"""Put volumes on a common grid in patient coordinates."""
