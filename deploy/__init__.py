"""Running apps beside a PACS."""
