"""The one character set that pydicom reads and writes wrongly, put right: ISO 2022 IR 58 (simplified Chinese).

pydicom 3.0 holds that Python's codec takes away the escape sequence of GB 2312 (PS3.3 section C.12.1.1.2, PS3.5 section
K.2). It does not: names came with the escape sequence in them, and were written without it, which nobody can read.
"""

from __future__ import annotations

from pydicom import charset

charset.handled_encodings = tuple(name for name in charset.handled_encodings if name != "iso_ir_58")  # type: ignore[assignment]
