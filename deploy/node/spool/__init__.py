"""The spool: every received instance as a DICOM file, durable before it is acknowledged. It is the truth.

spool/<study instance uid>/<series instance uid>/<sop instance uid>.dcm
spool/<study instance uid>/<series instance uid>/<sop instance uid>.sha256-<16 digits>.dcm    another copy, kept apart
spool/incoming/<writer>-<number>.part                                                       being written
spool/torn/<study instance uid>/<series instance uid>/<file>                                what a loss of power left
"""

from __future__ import annotations

from deploy.node.spool.incoming import IncomingFile
from deploy.node.spool.instance import Arrival, StoredInstance, TornFileError
from deploy.node.spool.spool import FOLDER_NAME, Spool

__all__ = ["FOLDER_NAME", "Arrival", "IncomingFile", "Spool", "StoredInstance", "TornFileError"]
