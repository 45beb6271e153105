"""What measures the app, and makes its one file: cases, their truth, scores and tables."""
