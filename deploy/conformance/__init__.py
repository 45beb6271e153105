"""The DICOM Conformance Statement (PS3.2), made from the node's code and from real result objects."""
