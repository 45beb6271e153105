"""Folder of DICOM → Study → chosen Series → Volume."""
