"""White-matter lesions and the regions they lie in, from FLAIR and/or T1 (arXiv 2506.22041)."""
