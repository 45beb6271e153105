"""Training on a small phantom: loss, augmentation, the loop, the model file, and the networks in use."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import torch
from torch.nn import functional

from apps.mr_white_matter_lesions.model_file import read_model_file
from apps.mr_white_matter_lesions.network import UNet
from apps.mr_white_matter_lesions.segmentation import Scan, load_networks, segment_lesions, segment_regions
from apps.mr_white_matter_lesions.train import main
from apps.mr_white_matter_lesions.training.augmentation import (
    AugmentationSettings,
    Deformation,
    Draw,
    change_intensities,
    cut,
    draw_deformation,
)
from apps.mr_white_matter_lesions.training.description import describe_network, describe_training
from apps.mr_white_matter_lesions.training.loop import learning_rate, start_from, train_network
from apps.mr_white_matter_lesions.training.loss import IGNORE, cross_entropy_and_dice
from apps.mr_white_matter_lesions.training.samples import (
    LabelledScan,
    LabelledStudy,
    Patches,
    load_samples,
    make_samples,
    samples_of_role,
    save_samples,
)
from apps.mr_white_matter_lesions.training.settings import (
    ROLES,
    SIZES,
    TargetSettings,
    TrainingSettings,
    augmentation_of,
)
from apps.mr_white_matter_lesions.training.studies import (
    held_out_seeds,
    study_folders,
    study_from_folder,
    training_seeds,
)
from operators.learn.weights import store_weights
from phantoms.mr_brain import BrainMRPhantom, simulate_brain_mr

CPU = torch.device("cpu")
TARGET = TargetSettings(
    (6.0, 4.0, 4.0), (16, 32, 32), (4, 8), ((1, 2, 2),), batch=2, steps=40, foreground=1.0, intensity_ceiling=2.0
)
SETTINGS = TrainingSettings(
    TARGET, TARGET, optimiser="adamw", learning_rate=2e-2, weight_decay=0.0, studies=1, held_out=0
)
EVERYTHING = AugmentationSettings(
    rotation=1, scale=1, elastic=1, additive_noise=1, multiplicative_noise=1, blur=1, gamma=1, inversion=0.5,
    bias_field=1, ringing=1, ghosting=1, low_resolution=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def phantom() -> BrainMRPhantom:
    return simulate_brain_mr(3, size="small")


@pytest.fixture(scope="module")
def study(phantom: BrainMRPhantom) -> LabelledStudy:
    flair, t1 = (
        LabelledScan(scan.array, scan.affine, scan.lesions.astype(np.uint8), scan.regions)
        for scan in (phantom.flair, phantom.t1)
    )
    return LabelledStudy("small", flair, t1)


def test_the_loss_equals_the_formula() -> None:
    # Two voxels, two classes: p(class 1) is 0.8 where the truth is 1 and 0.4 where it is 0.
    probabilities = torch.tensor([[0.2, 0.6], [0.8, 0.4]])
    logits = probabilities.log().reshape(1, 2, 1, 1, 2)
    labels = torch.tensor([1, 0]).reshape(1, 1, 1, 2)
    cross_entropy = -(np.log(0.8) + np.log(0.6)) / 2
    background = (2 * 0.6 + 1) / (2 * 0.6 + 0.2 + 0.4 + 1)
    lesion = (2 * 0.8 + 1) / (2 * 0.8 + 0.4 + 0.2 + 1)
    expected = cross_entropy - (background + lesion) / 2
    assert float(cross_entropy_and_dice(logits, labels)) == pytest.approx(expected, abs=1e-6)


def test_the_loss_equals_a_plain_one_hot_computation() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(3, 5, 4, 6, 7), torch.randint(0, 5, (3, 4, 6, 7))
    p, g = logits.softmax(1), functional.one_hot(labels, 5).movedim(-1, 1).float()
    axes = (2, 3, 4)
    dice = (2 * (p * g).sum(axes) + 1) / (2 * (p * g).sum(axes) + (p * (1 - g)).sum(axes) + ((1 - p) * g).sum(axes) + 1)
    expected = functional.cross_entropy(logits, labels) - dice.mean()
    torch.testing.assert_close(cross_entropy_and_dice(logits, labels), expected)


def test_other_pathology_takes_no_part_in_the_loss() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(1, 2, 4, 6, 6), torch.randint(0, 2, (1, 4, 6, 6))
    labels[:, :2] = IGNORE
    everywhere_else = cross_entropy_and_dice(logits[:, :, 2:], labels[:, 2:])
    torch.testing.assert_close(cross_entropy_and_dice(logits, labels), everywhere_else)
    logits[:, :, :2] = 50.0
    torch.testing.assert_close(cross_entropy_and_dice(logits, labels), everywhere_else)


def test_class_weights_make_the_cross_entropy_a_weighted_mean() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 3, 4, 6, 6), torch.randint(0, 3, (2, 4, 6, 6))
    weights = torch.tensor([0.1, 1.0, 2.0])
    difference = cross_entropy_and_dice(logits, labels, class_weights=weights) - cross_entropy_and_dice(logits, labels)
    expected = functional.cross_entropy(logits, labels, weight=weights) - functional.cross_entropy(logits, labels)
    torch.testing.assert_close(difference, expected)


def test_class_weights_follow_the_inverse_frequency(study: LabelledStudy) -> None:
    role = ROLES[2]
    samples = samples_of_role([make_samples(study, role.target, TARGET)], role)
    patches = Patches(samples, TARGET, TARGET.augmentation, seed=0)
    counts = torch.bincount(samples[0].labels.flatten(), minlength=35).float()
    weights = patches.class_weights(35, 0.5)
    assert float(weights.mean()) == pytest.approx(1.0, abs=1e-5)
    present = counts > 0
    products = weights[present] ** 2 * counts[present]
    torch.testing.assert_close(products / products[0], torch.ones_like(products))
    torch.testing.assert_close(patches.class_weights(35, 0.0), torch.ones(35))


def test_a_perfect_answer_is_worth_minus_one() -> None:
    labels = torch.randint(0, 3, (2, 4, 6, 6))
    logits = 100.0 * functional.one_hot(labels, 3).movedim(-1, 1).float()
    assert float(cross_entropy_and_dice(logits, labels)) == pytest.approx(-1.0, abs=1e-5)


def test_samples_hold_every_sequence_and_survive_the_cache(study: LabelledStudy, tmp_path: Path) -> None:
    for target in ("lesions", "regions"):
        samples = make_samples(study, target, TARGET)
        assert samples["pair"].images.shape == (2, *samples["pair"].labels.shape)
        assert samples["t1"].images.shape == (1, *samples["t1"].labels.shape)
        save_samples(tmp_path / "one.npz", samples)
        again = load_samples(tmp_path / "one.npz")
        assert torch.equal(again["pair"].labels, samples["pair"].labels)
        assert torch.equal(again["t1"].images, samples["t1"].images)
        for role in ROLES:
            chosen = samples_of_role([again], role)
            assert len(chosen) == len(role.samples)
            assert all(sample.images.shape[0] == role.channels for sample in chosen)


def test_a_t1_on_the_flair_grid_is_learned_once(study: LabelledStudy) -> None:
    registered = replace(study, t1=study.flair)
    samples = make_samples(registered, "lesions", TARGET)
    assert list(samples) == ["pair"]
    assert [len(samples_of_role([samples], role)) for role in ROLES] == [1, 2, 1, 1, 1]


def write_case(folder: Path, scan: LabelledScan) -> None:
    """A case as the WMH Challenge lays it out."""
    (folder / "pre").mkdir(parents=True)
    lesions = scan.lesions.astype(np.uint8)
    for name, array in (("pre/FLAIR", scan.array), ("pre/T1", scan.array), ("wmh", lesions)):
        image = sitk.GetImageFromArray(array)
        spacing = np.linalg.norm(scan.affine[:3, :3], axis=0)
        image.SetSpacing(spacing.tolist())
        image.SetDirection((scan.affine[:3, :3] / spacing).ravel().tolist())
        image.SetOrigin(scan.affine[:3, 3].tolist())
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))


def test_real_cases_are_read_with_their_geometry(study: LabelledStudy, tmp_path: Path) -> None:
    write_case(tmp_path / "site" / "case-1", study.flair)
    (case,) = study_folders(tmp_path)
    read = study_from_folder(case)
    np.testing.assert_allclose(read.flair.affine, study.flair.affine, atol=1e-3)
    np.testing.assert_array_equal(read.flair.array, study.flair.array)
    np.testing.assert_array_equal(read.t1.lesions, study.flair.lesions)
    assert read.flair.regions is None
    write_case(tmp_path / "other" / "case-1", study.flair)
    with pytest.raises(ValueError, match="several are called case-1"):
        study_folders(tmp_path)


def test_training_on_a_folder_writes_weights_that_another_training_starts_from(
    study: LabelledStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SIZES, "paper", replace(SETTINGS, studies=0, folds=2))
    for number in range(2):
        write_case(tmp_path / "data" / f"case-{number}", study.flair)
    options = ["--size", "paper", "--data", str(tmp_path / "data"), "--work", str(tmp_path / "work"), "--workers", "1"]
    roles = ["--device", "cpu", "--roles", "lesion_c", "--steps", "2"]
    main([*options, *roles, "--output", str(tmp_path / "first")])
    entry = read_model_file(tmp_path / "first")["networks"]["lesion_c"]
    assert [file["path"] for file in entry["files"]] == ["lesion_c_fold0.safetensors", "lesion_c_fold1.safetensors"]
    assert entry["training"]["earlier"] is None
    assert not list((tmp_path / "work").glob("*.checkpoint"))

    main([*options, *roles, "--output", str(tmp_path / "second"), "--start", str(tmp_path / "first")])
    again = read_model_file(tmp_path / "second")["networks"]["lesion_c"]
    assert again["training"]["earlier"]["files"] == entry["files"]

    # Both folds are averaged in use.
    flair, t1 = (Scan(scan.array, scan.affine) for scan in (study.flair, study.t1))
    labels = segment_lesions(load_networks(tmp_path / "second", CPU), flair=flair, t1=t1).labels
    assert labels.shape == study.flair.array.shape


def test_lesion_samples_keep_the_lesion_volume(study: LabelledStudy, phantom: BrainMRPhantom) -> None:
    # On the acquired spacing nothing is interpolated; a lesion of one voxel survives.
    column, row, slice_ = np.linalg.norm(phantom.flair.affine[:3, :3], axis=0)
    fine = replace(TARGET, spacing=(float(slice_), float(row), float(column)))
    labels = make_samples(study, "lesions", fine)["pair"].labels
    assert int(labels.sum()) == int(phantom.flair.lesions.sum())


def test_other_pathology_is_marked_to_be_ignored(study: LabelledStudy) -> None:
    lesions = study.flair.lesions.copy()
    lesions[lesions == 1] = 2
    marked = replace(study, flair=replace(study.flair, lesions=lesions))
    labels = make_samples(marked, "lesions", replace(TARGET, spacing=(3.0, 1.0, 1.0)))["pair"].labels
    assert set(labels.unique().tolist()) == {0, IGNORE}


def test_a_network_of_one_sequence_starts_from_the_one_of_both(tmp_path: Path) -> None:
    torch.manual_seed(0)
    both, one = UNet(TARGET.network(ROLES[0])), UNet(TARGET.network(ROLES[1]))
    store_weights(both, tmp_path / "both.safetensors")
    start_from(one, tmp_path / "both.safetensors", 1)
    volume = torch.randn(1, 1, 8, 16, 16)
    # The second sequence twice is what the scaled first convolution stands for.
    with torch.inference_mode():
        both.down[0][0].weight[:, 0] = both.down[0][0].weight[:, 1]  # type: ignore[index]
        torch.testing.assert_close(one(volume), both(torch.cat([volume, volume], dim=1)), atol=2e-2, rtol=0)


def test_a_patch_without_deformation_is_a_copy() -> None:
    image, labels = torch.randn(2, 20, 24, 28), torch.randint(0, 5, (20, 24, 28), dtype=torch.uint8)
    patch, truth = cut(image, labels, (9.5, 11.5, 13.5), (4, 8, 8), (3.0, 1.0, 1.0), None)
    torch.testing.assert_close(patch, image[:, 8:12, 8:16, 10:18])
    assert torch.equal(truth, labels[8:12, 8:16, 10:18].long())
    same, same_truth = cut(
        image, labels, (9.5, 11.5, 13.5), (4, 8, 8), (3.0, 1.0, 1.0), Deformation(torch.eye(3), None)
    )
    torch.testing.assert_close(same, patch, atol=1e-4, rtol=0)
    assert torch.equal(same_truth, truth)


def test_image_and_labels_are_deformed_together_and_never_mirrored() -> None:
    # A slope that rises to the left, and labels that say where it is high.
    columns = torch.arange(40.0).expand(20, 40, 40)
    labels = (columns > 19.5).to(torch.uint8)
    draw = Draw(1)
    for _ in range(20):
        deformation = draw_deformation(EVERYTHING, (12, 24, 24), (3.0, 1.0, 1.0), draw)
        patch, truth = cut(columns[None], labels, (9.5, 19.5, 19.5), (12, 24, 24), (3.0, 1.0, 1.0), deformation)
        clear = (patch[0] - 19.5).abs() > 1.0
        assert torch.equal(truth[clear] == 1, patch[0][clear] > 19.5)
        assert patch[0, :, :, 18:].mean() > patch[0, :, :, :6].mean()


def test_every_intensity_change_leaves_a_finite_image_of_the_same_size() -> None:
    draw = Draw(2)
    image = torch.randn(2, 12, 24, 20)
    for _ in range(10):
        changed = change_intensities(image, EVERYTHING, (3.0, 1.0, 1.0), draw)
        assert changed.shape == image.shape
        assert bool(changed.isfinite().all())
        assert not torch.equal(changed, image)
    nothing = AugmentationSettings(
        additive_noise=0, multiplicative_noise=0, blur=0, gamma=0, bias_field=0, ringing=0, ghosting=0, low_resolution=0
    )
    assert torch.equal(change_intensities(image, nothing, (3.0, 1.0, 1.0), draw), image)


def test_configuration_d_is_never_shown_inverted_intensities() -> None:
    paper = replace(TARGET, augmentation=AugmentationSettings())
    inversion = {role.name: augmentation_of(role, paper).inversion for role in ROLES}
    assert inversion["lesion_d"] == 0
    assert inversion["lesion_c"] == 0.05


def test_a_few_steps_lower_the_loss(study: LabelledStudy) -> None:
    role = ROLES[0]
    samples = samples_of_role([make_samples(study, role.target, TARGET)], role)
    torch.manual_seed(0)
    network = UNet(TARGET.network(role))
    losses: list[float] = []
    patches = Patches(samples, TARGET, augmentation_of(role, TARGET), seed=0)
    trained = train_network(
        network, patches, SETTINGS, steps=TARGET.steps, device=CPU, report=lambda _, loss: losses.append(loss)
    )
    assert len(losses) == TARGET.steps == trained.steps
    assert np.mean(losses[-8:]) < np.mean(losses[:8]) - 0.3


def test_a_run_that_was_cut_off_goes_on(study: LabelledStudy, tmp_path: Path) -> None:
    role = ROLES[0]
    samples = samples_of_role([make_samples(study, role.target, TARGET)], role)

    def run(steps_seen: list[int], stop_after: int | None) -> None:
        def report(step: int, _: float) -> None:
            steps_seen.append(step)
            if stop_after is not None and len(steps_seen) == stop_after:
                raise KeyboardInterrupt

        train_network(
            UNet(TARGET.network(role)),
            Patches(samples, TARGET, TARGET.augmentation, seed=0),
            SETTINGS,
            steps=6,
            device=CPU,
            checkpoint=tmp_path / "net.checkpoint",
            checkpoint_seconds=0.0,
            report=report,
        )

    first: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run(first, stop_after=4)
    second: list[int] = []
    run(second, stop_after=None)
    assert first == [0, 1, 2, 3]
    assert second == [3, 4, 5]


def test_the_learning_rate_follows_a_cosine() -> None:
    sgd = replace(SETTINGS, optimiser="sgd", learning_rate=1e-3)
    assert learning_rate(0, 1000, sgd) == pytest.approx(1e-3)
    assert learning_rate(500, 1000, sgd) == pytest.approx(5e-4, rel=1e-3)
    assert learning_rate(1000, 1000, sgd) == pytest.approx(1e-9)
    assert learning_rate(0, 1000, SETTINGS) < learning_rate(29, 1000, SETTINGS)


def test_trained_networks_segment_on_the_acquired_grid(
    study: LabelledStudy, phantom: BrainMRPhantom, tmp_path: Path
) -> None:
    training = describe_training("test", SETTINGS, data="one small phantom", device=CPU)
    for role in ROLES:
        samples = samples_of_role([make_samples(study, role.target, TARGET)], role)
        network = UNet(TARGET.network(role))
        trained = train_network(
            network, Patches(samples, TARGET, TARGET.augmentation, seed=0), SETTINGS, steps=2, device=CPU
        )
        path = tmp_path / f"{role.name}.safetensors"
        store_weights(network, path)
        describe_network(tmp_path, role, path, TARGET, trained, training)
    description = read_model_file(tmp_path)
    assert sorted(description["networks"]) == sorted(role.name for role in ROLES)
    weights = tmp_path / "lesion_c.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert description["networks"]["lesion_c"]["files"][0]["sha256"] == digest
    assert "not for clinical use" in description["notice"]

    networks = load_networks(tmp_path, CPU)
    flair = Scan(phantom.flair.array, phantom.flair.affine)
    t1 = Scan(phantom.t1.array, phantom.t1.affine)
    for given, names, reference in (
        ({"flair": flair, "t1": t1}, ("lesion_c", "region_c"), flair),
        ({"flair": flair, "t1": None}, ("lesion_d", "region_a"), flair),
        ({"flair": None, "t1": t1}, ("lesion_d", "region_b"), t1),
    ):
        lesions, regions = segment_lesions(networks, **given), segment_regions(networks, **given)
        assert (lesions.network, regions.network) == names
        assert lesions.labels.shape == regions.labels.shape == reference.array.shape
        assert lesions.labels.dtype == regions.labels.dtype == np.uint8
        assert lesions.labels.max() <= 1
        assert regions.labels.max() <= 34
        assert lesions.mean_entropy is None or 0 <= lesions.mean_entropy <= 1
    with pytest.raises(ValueError, match="neither"):
        segment_lesions(networks, flair=None, t1=None)


def test_training_and_held_out_seeds_never_meet() -> None:
    assert not set(training_seeds(10_000)) & set(held_out_seeds(1000))
    with pytest.raises(ValueError, match="at most"):
        training_seeds(100_000)


def test_the_paper_recipe_asks_for_its_data() -> None:
    with pytest.raises(SystemExit, match="--data"):
        main(["--size", "paper"])


def test_a_folder_without_cases_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no case"):
        main(["--size", "paper", "--data", str(tmp_path), "--work", str(tmp_path / "work"), "--output", str(tmp_path)])
