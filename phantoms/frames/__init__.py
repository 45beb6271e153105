"""US, XA, RF, MG, DX, CR, OP, ES, XC and dermoscopy pictures and clips with known pixels, spacing and times."""
