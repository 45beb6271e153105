"""The manifest of an app, ``app.yaml``: one validated description that everything else is made from.

From it come routing, series selection, the MAP's ``app.json`` and ``pkg.json`` and the model card's header.
An unknown key is an error.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydicom.sr.coding import Code
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from operators.provenance import Algorithm


class ManifestError(ValueError):
    """The manifest is wrong: the message names the file, the key and what is allowed."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _storage_class(keyword: str) -> str:
    if keyword not in _STORAGE_CLASSES:
        raise ValueError(f"{keyword!r} is not the keyword of a DICOM storage SOP class (e.g. MRImageStorage)")
    return keyword


_STORAGE_CLASSES = {entry[4]: uid for uid, entry in UID_dictionary.items() if entry[4].endswith("Storage")}


class CodedConcept(_Part):
    """A coded concept (PS3.3 section 8): value, coding scheme designator, meaning."""

    value: str
    scheme: str = Field(max_length=16)
    meaning: str = Field(max_length=64)

    @property
    def code(self) -> Code:
        """The concept as pydicom and highdicom take it."""
        return Code(self.value, self.scheme, self.meaning)


class ApplicationPart(_Part):
    """MONAI Deploy's ``application``: what the app is called."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(max_length=64)
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    family: CodedConcept = Field(description="Algorithm family, PS3.16 CID 7162")


class ResourcesPart(_Part):
    """MONAI Deploy's ``resources``: what one run needs."""

    cpu: int = Field(ge=1)
    gpu: int = Field(ge=0)
    memory: str = Field(pattern=r"^\d+(Mi|Gi)$")
    gpuMemory: str = Field(pattern=r"^\d+(Mi|Gi)$")  # noqa: N815 - MONAI Application Package's own key
    timeout: int = Field(ge=1, description="Seconds after which a run counts as hung")


class Requirement(_Part):
    """One condition that a series must meet: a CEL expression over DICOM keywords, and what is said if it fails."""

    require: str
    otherwise: str


class InputRole(_Part):
    """One named input: which series can play it, and which of several is preferred."""

    title: str = Field(max_length=64)
    sop_classes: tuple[Annotated[str, AfterValidator(_storage_class)], ...] = Field(min_length=1)
    where: tuple[Requirement, ...] = Field(min_length=1)
    prefer: tuple[str, ...] = Field(
        default=(), description="CEL expressions of number or bool, most important first; the larger value wins"
    )

    @property
    def sop_class_uids(self) -> frozenset[UID]:
        """The SOP Class UIDs that can play this role."""
        return frozenset(UID(_STORAGE_CLASSES[keyword]) for keyword in self.sop_classes)


class OutputPart(_Part):
    """One result object: its kind, its series number and, for segmentations, its segments' table."""

    object: Literal["segmentation", "measurement_report", "secondary_capture"]
    title: str = Field(max_length=64)
    series_number: int = Field(ge=1)


class ModelFile(_Part):
    """One file of the model; paths are relative to the app's folder."""

    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ModelPart(_Part):
    """The model's files, where they come from and what may be done with them."""

    files: tuple[ModelFile, ...] = Field(min_length=1)
    origin: str
    licence: str
    notice: str = Field(description="Shown wherever a user meets the model, e.g. that weights are for demonstration")

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the sorted digests of the model's files."""
        return hashlib.sha256("".join(sorted(file.sha256 for file in self.files)).encode()).hexdigest()


class Manifest(_Part):
    """The whole ``app.yaml``."""

    application: ApplicationPart
    resources: ResourcesPart
    accepts: str = Field(description="CEL over one series: a study is this app's business if any series satisfies it")
    inputs: dict[str, InputRole] = Field(min_length=1)
    required: tuple[str, ...] = ()
    at_least_one_of: tuple[str, ...] = ()
    outputs: dict[str, OutputPart] = Field(min_length=1)
    model: ModelPart
    settings: dict[str, float | int | str | bool] = Field(default_factory=dict)
    intended_use: str
    limits: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _roles_exist(self) -> Manifest:
        unknown = (set(self.required) | set(self.at_least_one_of)) - set(self.inputs)
        if unknown:
            raise ValueError(f"roles {sorted(unknown)} are not among the inputs {sorted(self.inputs)}")
        if not self.required and not self.at_least_one_of:
            raise ValueError("name the roles that a run needs: 'required' or 'at_least_one_of'")
        return self

    @property
    def algorithm(self) -> Algorithm:
        """The identity that every result of this app carries."""
        return Algorithm(
            name=self.application.name,
            title=self.application.title,
            version=self.application.version,
            model_digest=self.model.digest,
            family=self.application.family.code,
        )


def load_manifest(path: Path) -> Manifest:
    """Read and validate an ``app.yaml``.

    Raises :class:`ManifestError` naming the file and every wrong key.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ManifestError(f"{path}: {error}") from error
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, item['loc'])) or '(top level)'}: {item['msg']}" for item in error.errors()]
        raise ManifestError("\n".join([f"{path} is not a valid manifest:", *lines])) from error


def changed_model_files(manifest: Manifest, folder: Path) -> tuple[str, ...]:
    """Return a sentence for each model file of the app in ``folder`` that is absent or has another SHA-256."""
    problems = []
    for file in manifest.model.files:
        path = folder / file.path
        if not path.is_file():
            problems.append(f"{file.path} is absent")
        elif (found := hashlib.sha256(path.read_bytes()).hexdigest()) != file.sha256:
            problems.append(f"{file.path} has SHA-256 {found}, the manifest says {file.sha256}")
    return tuple(problems)
