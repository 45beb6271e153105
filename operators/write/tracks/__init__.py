"""What Tractography Results consist of: sets of tracks with measurements, statistics and colours."""
