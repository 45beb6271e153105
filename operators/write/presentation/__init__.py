"""Parts of presentation states: outlines, graphics and texts on layers, grey scale, displayed area."""
