"""Who made a result, from what: algorithm identity, input digest and the identifiers derived from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydicom.sr.coding import Code

MANUFACTURER = "Gantry"
"""Manufacturer (0008,0070) of everything that Gantry writes."""


def uid_from_text(text: str) -> str:
    """Return the UID ``2.25.`` + the first 128 bits of SHA-256 of ``text`` (PS3.5 annex B.2 form)."""
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"


@dataclass(frozen=True)
class Algorithm:
    """Identity of one algorithm, as it stands in every result (IHE AIR; PS3.16 TID 4019).

    ``model_digest`` is the SHA-256 (hex) over the digests of the app's model files: the device UID changes with it.
    ``notice`` is what whoever meets a result has to be told of the model, which is no part of the identity.
    """

    name: str
    title: str
    version: str
    model_digest: str
    family: Code
    manufacturer: str = MANUFACTURER
    notice: str = ""

    @property
    def device_uid(self) -> str:
        """Device UID (0018,1002): new whenever name, version or model change."""
        return uid_from_text(f"device/{self.name}/{self.version}/{self.model_digest}")


@dataclass(frozen=True)
class ReplacedResult:
    """An object of an earlier analysis of the same study that one of this analysis takes the place of.

    ``output`` is the manifest's name of the output that both are of.
    """

    output: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True)
class Analysis:
    """One run of one algorithm on one input: the source of every identifier in the results.

    ``input_digest`` is hexadecimal SHA-256 (see :func:`input_digest`); ``started`` is timezone-aware.
    ``parameters`` are told in the report (TID 4019 row 3), e.g. the input configuration that was used. ``replaces`` are
    the results of the same algorithm on less of the study, which came in parts; like ``started`` they are fixed when
    the analysis is planned and no part of the input, so they do not change its digest.
    """

    algorithm: Algorithm
    input_digest: str
    started: datetime
    parameters: Mapping[str, str] = field(default_factory=dict)
    replaces: tuple[ReplacedResult, ...] = ()

    def uid(self, slot: str) -> str:
        """Return the UID of an output's slot, e.g. ``"lesions/series"``: the same input gives the same UID."""
        return result_uid(self.input_digest, slot)

    def replaced(self, output: str) -> ReplacedResult | None:
        """Return what the object of an output replaces, or None."""
        return next((result for result in self.replaces if result.output == output), None)


def result_uid(input_digest: str, slot: str) -> str:
    """Return the UID that an analysis of this digest gives an output's slot, e.g. ``"lesions/series"``."""
    return uid_from_text(f"result/{input_digest}/{slot}")


def input_digest(algorithm: Algorithm, settings: Mapping[str, object], sop_instance_uids: Iterable[str]) -> str:
    """Return SHA-256 (hex) of app, version, model digest, settings and the sorted SOP Instance UIDs.

    A job is unique on it; ``settings`` are those that change the result, as JSON-compatible values.
    """
    content = {
        "app": algorithm.name,
        "version": algorithm.version,
        "model": algorithm.model_digest,
        "settings": dict(settings),
        "instances": sorted(set(sop_instance_uids)),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
