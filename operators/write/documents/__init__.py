"""What documents hold: pages as PDF, surfaces as STL."""
