"""The manifest of an app, ``app.yaml``: one validated description that everything else is made from.

From it come routing, series selection, the MAP's ``app.json`` and ``pkg.json`` and the model card's header.
An unknown key is an error.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydicom._uid_dict import UID_dictionary
from pydicom.sr.coding import Code
from pydicom.uid import UID, MediaStorageDirectoryStorage

from operators.provenance import Algorithm
from operators.read.expression import compile_condition, compile_preference
from operators.read.rules import DEFAULT_RULES, ReadingRules
from operators.write.segments.form import DEFAULT_FORM, SegmentationForm


class ManifestError(ValueError):
    """The manifest is wrong: the message names the file, the key and what is allowed."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# Keyword to UID of every storage SOP class (PS3.4 annex B.5): "ForPresentation" may follow the word, the storage
# commitment and media storage services are none.
_STORAGE_CLASSES = {
    keyword: uid
    for uid, (_, kind, _, _, keyword) in UID_dictionary.items()
    if kind == "SOP Class"
    and re.search(r"Storage(?!Commitment|Management)", keyword)
    and uid != MediaStorageDirectoryStorage
}


def _storage_class(keyword: str) -> str:
    if keyword not in _STORAGE_CLASSES:
        near = difflib.get_close_matches(keyword, _STORAGE_CLASSES, n=1) or ["MRImageStorage"]
        raise ValueError(f"{keyword!r} is not the keyword of a DICOM storage SOP class; e.g. {near[0]!r} is")
    return keyword


def _condition(text: str) -> str:
    return compile_condition(text).text


def _preference(text: str) -> str:
    return compile_preference(text).text


def _path_inside(path: str) -> str:
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
        raise ValueError(f"{path!r} is not a path inside the app's folder, with forward slashes")
    return path


Condition = Annotated[str, AfterValidator(_condition)]
"""A CEL expression over one series that gives true or false (:mod:`operators.read.expression`)."""

Preference = Annotated[str, AfterValidator(_preference)]
"""A CEL expression over one series that gives a number, or true or false."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""A name used in code, paths and identifiers: lower case letters, digits and underscores."""


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

    name: Name
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

    require: Condition
    otherwise: str = Field(min_length=1)


class InputRole(_Part):
    """One named input: which series can play it, and which of several is preferred."""

    title: str = Field(max_length=64)
    sop_classes: tuple[Annotated[str, AfterValidator(_storage_class)], ...] = Field(min_length=1)
    where: tuple[Requirement, ...] = Field(min_length=1)
    prefer: tuple[Preference, ...] = Field(
        default=(), description="CEL expressions of number or bool, most important first; the larger value wins"
    )
    content: Literal["volume", "pictures", "waveforms"] = Field(
        default="volume", description="What the series is read as: together one volume, or each instance for itself"
    )
    reading: ReadingRules = Field(default=DEFAULT_RULES, description="How the chosen series is read or refused")
    origin: Literal["study", "prior"] = Field(
        default="study", alias="from", description="The study itself, or an earlier one of the same patient"
    )

    @property
    def sop_class_uids(self) -> frozenset[UID]:
        """The SOP Class UIDs that can play this role."""
        return frozenset(UID(_STORAGE_CLASSES[keyword]) for keyword in self.sop_classes)


class OutputPart(_Part):
    """One result object: its kind, its series description and its series number."""

    object: Literal[
        "bulk_annotations",
        "deformable_spatial_registration",
        "ecg_report",
        "echo_report",
        "encapsulated_pdf",
        "encapsulated_stl",
        "key_object_selection",
        "mammography_cad_report",
        "measurement_report",
        "multi_frame_secondary_capture",
        "parametric_map",
        "presentation_state",
        "rt_structure_set",
        "secondary_capture",
        "segmentation",
        "spatial_registration",
        "tractography_results",
        "waveform",
        "waveform_annotation_report",
    ]
    title: str = Field(max_length=64)
    series_number: int = Field(ge=1)
    form: SegmentationForm = Field(default=DEFAULT_FORM, description="How a segmentation is stored")

    @model_validator(mode="after")
    def _form_is_of_a_segmentation(self) -> OutputPart:
        if self.object != "segmentation" and self.form != DEFAULT_FORM:
            raise ValueError(f"form is for a segmentation, not for a {self.object}")
        return self


class ModelFile(_Part):
    """One file of the model; its path is relative to the model's folder (``model`` in the app's)."""

    path: Annotated[str, AfterValidator(_path_inside)]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ModelPart(_Part):
    """The model's files, where they come from and what may be done with them."""

    files: tuple[ModelFile, ...] = Field(description="Empty for an app that works by rules alone")
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
    accepts: Condition = Field(
        description="CEL over one series: a study is this app's business if any series satisfies it"
    )
    inputs: dict[Name, InputRole] = Field(min_length=1)
    required: tuple[str, ...] = ()
    at_least_one_of: tuple[str, ...] = ()
    quiet_seconds: float | None = Field(
        default=None,
        ge=0,
        description="How long nothing more must have come; less than the node's usual 5 s for one object",
    )
    outputs: dict[Name, OutputPart] = Field(min_length=1)
    model: ModelPart
    settings: dict[Name, float | int | str | bool] = Field(default_factory=dict)
    intended_use: str
    limits: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _roles_exist(self) -> Manifest:
        unknown = (set(self.required) | set(self.at_least_one_of)) - set(self.inputs)
        if unknown:
            raise ValueError(f"roles {sorted(unknown)} are not among the inputs {sorted(self.inputs)}")
        if all(role.origin == "prior" for role in self.inputs.values()):
            raise ValueError("one of the inputs must be from the study itself, not all from a prior")
        if not self.required and not self.at_least_one_of:
            raise ValueError("name the roles that a run needs: 'required' or 'at_least_one_of'")
        return self

    @model_validator(mode="after")
    def _refusals_can_be_reported(self) -> Manifest:
        if not any(output.object == "measurement_report" for output in self.outputs.values()):
            raise ValueError("one of the outputs must be a measurement_report: it also tells why there is no result")
        return self

    @model_validator(mode="after")
    def _nothing_twice(self) -> Manifest:
        for what, found in {
            "required": self.required,
            "at_least_one_of": self.at_least_one_of,
            "model.files path": [file.path for file in self.model.files],
            "outputs series_number": [output.series_number for output in self.outputs.values()],
            "inputs title": [role.title for role in self.inputs.values()],
        }.items():
            twice = sorted(str(value) for value, count in Counter(found).items() if count > 1)
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} stands there more than once")
        return self

    @property
    def footer(self) -> str:
        """What the foot of a page tells: the notice, and which app and model drew it."""
        model = f", model {self.model.digest[:12]}" if self.model.files else ""
        return f"{self.model.notice}; {self.application.name} {self.application.version}{model}"

    @property
    def algorithm(self) -> Algorithm:
        """The identity that every result of this app carries."""
        return Algorithm(
            name=self.application.name,
            title=self.application.title,
            version=self.application.version,
            model_digest=self.model.digest,
            family=self.application.family.code,
            notice=self.model.notice,
        )


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML forbids a key twice in one mapping (YAML 1.2 section 3.2.1.3); PyYAML would keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found = []
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in found:
                raise yaml.constructor.ConstructorError(
                    "while reading a mapping", node.start_mark, f"found the key {key!r} twice", key_node.start_mark
                )
            found.append(key)
        return super().construct_mapping(node, deep)


def load_manifest(path: Path) -> Manifest:
    """Read and validate an ``app.yaml``.

    Raises :class:`ManifestError` naming the file and every wrong key.
    """
    try:
        # A safe loader: it makes plain values only.
        content: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ManifestError(f"{path}: {error}") from error
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, item['loc'])) or '(top level)'}: {item['msg']}" for item in error.errors()]
        raise ManifestError("\n".join([f"{path} is not a valid manifest:", *lines])) from error


def changed_model_files(manifest: Manifest, model_folder: Path) -> tuple[str, ...]:
    """Return a sentence for each file of the model that is absent from its folder or has another SHA-256."""
    problems = []
    for file in manifest.model.files:
        path = model_folder / file.path
        if not path.is_file():
            problems.append(f"{file.path} is absent")
        elif (found := hashlib.sha256(path.read_bytes()).hexdigest()) != file.sha256:
            problems.append(f"{file.path} has SHA-256 {found}, the manifest says {file.sha256}")
    return tuple(problems)
