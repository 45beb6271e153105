from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from operators.manifest import Manifest, ManifestError, changed_model_files, load_manifest
from operators.read.rules import DEFAULT_RULES, ReadingRules

APPS = Path(__file__).parents[2] / "apps"
MANIFESTS = sorted(APPS.glob("*/app.yaml"))


@pytest.fixture
def content() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((APPS / "mr_white_matter_lesions" / "app.yaml").read_text())
    return loaded


def write(folder: Path, content: Any) -> Path:
    path = folder / "app.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("path", MANIFESTS, ids=[path.parent.name for path in MANIFESTS])
def test_the_apps_in_this_repository_are_valid(path: Path) -> None:
    manifest = load_manifest(path)
    assert manifest.application.name == path.parent.name
    assert manifest.algorithm.model_digest == manifest.model.digest


Change = Callable[[dict[str, Any]], object]


def flair(content: dict[str, Any]) -> dict[str, Any]:
    role: dict[str, Any] = content["inputs"]["flair"]
    return role


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(colour="red"), "colour: Extra inputs are not permitted"),
        (lambda c: flair(c).update(were=[]), "inputs.flair.were: Extra inputs are not permitted"),
        (lambda c: flair(c).update(reading={"tilt": "keep"}), "inputs.flair.reading.tilt: Unexpected keyword argument"),
        (
            lambda c: flair(c).update(reading={"gantry_tilt": "ignore"}),
            "Input should be 'refuse', 'keep' or 'resample'",
        ),
        (lambda c: flair(c).update(reading={"choose": {"bvalue": 1000}}), "bvalue is no dimension of a series"),
        (lambda c: flair(c).update(reading={"suv": "lean body mass"}), "Input should be 'body weight'"),
        (lambda c: c.pop("intended_use"), "intended_use: Field required"),
        (lambda c: c["application"].update(name="White Matter"), "application.name: String should match pattern"),
        (lambda c: c["application"].update(version="1"), "application.version: String should match pattern"),
        (
            lambda c: c["application"]["family"].update(scheme="A" * 17),
            "application.family.scheme: String should",
        ),
        (lambda c: c["resources"].update(memory="4 GB"), "resources.memory: String should match pattern"),
        (lambda c: c["resources"].update(timeout=0), "resources.timeout: Input should be greater than or equal to 1"),
        (
            lambda c: flair(c).update(sop_classes=["MRImageStorag"]),
            "inputs.flair.sop_classes.0: .*'MRImageStorag' is not the keyword .*'MRImageStorage' is",
        ),
        (
            lambda c: flair(c).update(sop_classes=["Verification"]),
            "inputs.flair.sop_classes.0: .*'Verification'",
        ),
        (lambda c: flair(c).update(where=[]), "inputs.flair.where: Tuple should have at least 1 item"),
        (
            lambda c: flair(c)["where"][2].update(require="EchoTme > 3.0"),
            "inputs.flair.where.2.require: .*'EchoTme', which is no DICOM keyword.* did you mean 'EchoTime'",
        ),
        (lambda c: flair(c)["where"][0].update(require="EchoTime >"), "inputs.flair.where.0.require: .*is not CEL"),
        (
            lambda c: flair(c)["where"][0].update(require="EchoTime"),
            "inputs.flair.where.0.require: .*not true",
        ),
        (lambda c: flair(c)["where"][0].update(otherwise=""), "inputs.flair.where.0.otherwise: String should have at"),
        (lambda c: flair(c).update(prefer=["Modality"]), "inputs.flair.prefer.0: .*gives string, not a number"),
        (lambda c: c.update(accepts="Modality = 'MR'"), "accepts: .*is not CEL"),
        (lambda c: c["inputs"].update({"T 1": flair(c)}), r"inputs\.T 1\.\[key\]: String should match pattern"),
        (lambda c: c.update(required=["t2"]), r"roles \['t2'\] are not among the inputs \['flair', 't1'\]"),
        (lambda c: c.update(at_least_one_of=[]), "name the roles that a run needs"),
        (lambda c: c.update(at_least_one_of=["t1", "t1"]), "at_least_one_of: t1 stands there more than once"),
        (lambda c: flair(c).update(title="T1-weighted"), "inputs title: T1-weighted stands there more than once"),
        (
            lambda c: c["outputs"]["report"].update(series_number=9001),
            "outputs series_number: 9001 stands there more than once",
        ),
        (
            lambda c: c["outputs"]["report"].update(object="pdf"),
            "outputs.report.object: Input should be",
        ),
        (lambda c: c["model"]["files"][0].update(sha256="abc"), "model.files.0.sha256: String should match pattern"),
        (lambda c: c["model"]["files"][0].update(path="../secret"), "model.files.0.path: .*not a path inside the app"),
        (
            lambda c: c["model"]["files"][0].update(path="/etc/passwd"),
            "model.files.0.path: .*not a path inside the app",
        ),
        (
            lambda c: c["model"]["files"].append(dict(c["model"]["files"][0])),
            "model.files path: .* stands there more than once",
        ),
        (lambda c: c.update(limits=[]), "limits: Tuple should have at least 1 item"),
        (lambda c: c.update(settings={"a": [1]}), r"settings\.a"),
    ],
)
def test_what_is_wrong_is_told_by_its_key(tmp_path: Path, content: dict[str, Any], change: Change, said: str) -> None:
    change(content)
    path = write(tmp_path, content)
    with pytest.raises(ManifestError, match=said) as error:
        load_manifest(path)
    assert str(error.value).startswith(f"{path} is not a valid manifest:")


def test_every_wrong_key_is_told_at_once(tmp_path: Path, content: dict[str, Any]) -> None:
    content["colour"] = "red"
    flair(content)["where"][0]["require"] = "EchoTime >"
    with pytest.raises(ManifestError) as error:
        load_manifest(write(tmp_path, content))
    assert "colour:" in str(error.value)
    assert "inputs.flair.where.0.require:" in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "while parsing a flow sequence"),
        ("", "Input should be a valid dictionary"),
        ("- a\n- b\n", "Input should be a valid dictionary"),
        ("application: {name: a}\naccepts: x\napplication: {name: b}\n", "found the key 'application' twice"),
        ("inputs:\n  t1: {}\n  t1: {}\n", "found the key 't1' twice\n.*line 3"),
        ("a: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
    ],
)
def test_what_is_no_mapping_of_unique_keys_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        load_manifest(write(tmp_path, text))


def test_an_absent_or_binary_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        load_manifest(tmp_path / "app.yaml")
    (tmp_path / "app.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="can't decode"):
        load_manifest(tmp_path / "app.yaml")


def test_sop_classes_are_named_by_keyword(content: dict[str, Any]) -> None:
    keywords = ["MRImageStorage", "DigitalMammographyXRayImageStorageForPresentation", "TwelveLeadECGWaveformStorage"]
    flair(content)["sop_classes"] = keywords
    assert Manifest.model_validate(content).inputs["flair"].sop_class_uids == {
        "1.2.840.10008.5.1.4.1.1.4",
        "1.2.840.10008.5.1.4.1.1.1.2",
        "1.2.840.10008.5.1.4.1.1.9.1.1",
    }


def test_changed_model_files_are_named(tmp_path: Path, content: dict[str, Any]) -> None:
    files = {"a": b"first", "b": b"second", "c": b"third"}
    content["model"]["files"] = [
        {"path": name, "sha256": hashlib.sha256(body).hexdigest()} for name, body in files.items()
    ]
    manifest = Manifest.model_validate(content)
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    assert changed_model_files(manifest, tmp_path) == ()
    (tmp_path / "a").unlink()
    (tmp_path / "b").write_bytes(b"other")
    absent, changed = changed_model_files(manifest, tmp_path)
    assert absent == "a is absent"
    assert changed.startswith("b has SHA-256 ")


def test_the_model_digest_depends_on_the_content_not_on_the_order(content: dict[str, Any]) -> None:
    one = {"path": "a", "sha256": "1" * 64}
    other = {"path": "b", "sha256": "2" * 64}
    digests = []
    for files in ([one, other], [other, one], [one]):
        content["model"]["files"] = files
        digests.append(Manifest.model_validate(content).model.digest)
    assert digests[0] == digests[1] != digests[2]


def test_the_rules_of_reading_are_those_of_the_role(tmp_path: Path, content: dict[str, Any]) -> None:
    flair(content)["reading"] = {"gantry_tilt": "resample", "choose": {"b_value": 1000, "echo_time": "lowest"}}
    manifest = load_manifest(write(tmp_path, content))
    assert manifest.inputs["flair"].reading == ReadingRules(
        gantry_tilt="resample", choose={"b_value": 1000.0, "echo_time": "lowest"}
    )
    assert manifest.inputs["t1"].reading == DEFAULT_RULES
