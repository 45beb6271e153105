"""What an RT Structure Set consists of: contours along voxel borders and the structures that they enclose."""
