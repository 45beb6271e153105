"""The tree of a structured report: content items, image library, groups that several reports have."""
