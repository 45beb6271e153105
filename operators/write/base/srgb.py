"""The colour space of everything that is drawn here."""

from __future__ import annotations

from PIL import ImageCms


def srgb_profile() -> bytes:
    """Return the ICC profile of sRGB, always the same: Little CMS dates it now (ICC.1 7.2.8, bytes 24 to 35)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = b"".join(part.to_bytes(2, "big") for part in (2000, 1, 1, 0, 0, 0))
    return bytes(profile)
