"""Parts of bulk annotations: groups of shapes with their measurements."""
