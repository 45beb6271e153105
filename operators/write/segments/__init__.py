"""Parts of a Segmentation: its form, masks, frames, pixel data, functional groups and segment descriptions."""
