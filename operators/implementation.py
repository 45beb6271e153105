"""How this implementation names itself on the network and in files (PS3.7 D.3.3.2, PS3.10 section 7.1)."""

from __future__ import annotations

IMPLEMENTATION_CLASS_UID = "2.25.265126989388440491272640447162953540649"
"""Implementation Class UID (0002,0012), made from a random UUID (PS3.5 annex B.2)."""

IMPLEMENTATION_VERSION_NAME = "GANTRY_0.1"
"""Implementation Version Name (0002,0013), at most 16 characters."""
