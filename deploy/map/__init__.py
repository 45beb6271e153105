"""Package an app as a MONAI Application Package (MAP) 1.0."""
