"""Gates that refuse an input with a coded reason."""
