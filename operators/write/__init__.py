"""Numbers and masks → DICOM."""
