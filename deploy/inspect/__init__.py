"""What Gantry understands of a folder of DICOM: as plain data, as tables, as a contact sheet."""
