"""Simulate one brain MR examination."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phantoms.mr_brain.analytic import analytic_head
from phantoms.mr_brain.contrast import CONTRAST, bias_field, draw_contrast, rician, signal_map
from phantoms.mr_brain.data import Acquisition, BrainMRPhantom, Lesion
from phantoms.mr_brain.deformation import CENTRE, Deformation, random_deformation
from phantoms.mr_brain.grids import PROTOCOLS, Grid, Size, axial_affine, sagittal_affine
from phantoms.mr_brain.head import Head
from phantoms.mr_brain.lesions import draw_distractors, draw_lesions, lesion_layer, with_side
from phantoms.mr_brain.sampling import sample
from phantoms.mr_brain.template import template_head

# Independent random streams of one seed, so that asking for other lesions does not change the head or its contrast.
SHAPE, LESIONS, DISTRACTORS, SESSION, FLAIR, T1 = range(6)


def simulate_brain_mr(
    seed: int,
    *,
    size: Size = "full",
    lesions: Sequence[Lesion] | None = None,
    distractors: int | None = None,
    t1_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    flair_tilt_degrees: float | None = None,
) -> BrainMRPhantom:
    """Simulate the FLAIR and T1 of one head; the same arguments give the same voxels.

    `size` "full" deforms the ICBM152 template (needs nilearn), "small" an analytic head on coarse grids. `lesions`
    places exactly those; None draws a load of 0 to about 40 mL. `distractors` is the number of bright cortical findings
    outside the truth, None draws one or two. `t1_shift_mm` (LPS mm) moves the head, and so the truth, before the T1
    while its geometry in the headers stays: the patient has moved. The FLAIR's tilt about the left-right axis is 8 to
    12 degrees unless given.
    """
    head = _head(size)
    protocol = PROTOCOLS[size]
    deformation = _shape_of(seed)
    if lesions is None:
        planted = draw_lesions(_stream(seed, LESIONS), head, deformation, protocol.lesion_radii)
    else:
        planted = tuple(with_side(lesion, deformation) for lesion in lesions)
    stream = _stream(seed, DISTRACTORS)
    drawn = int(stream.integers(1, 3))
    others = draw_distractors(stream, head, deformation, drawn if distractors is None else distractors)

    session = _stream(seed, SESSION)
    contrast = draw_contrast(session)
    tilt = session.uniform(8, 12)
    # The operator centres both fields of view on the head, to some millimetres.
    centre = deformation.to_patient(CENTRE[None])[0] + session.uniform(-3, 3, 3)
    flair_affine = axial_affine(protocol.flair, centre, tilt if flair_tilt_degrees is None else flair_tilt_degrees)
    t1_affine = sagittal_affine(protocol.t1, centre)

    def acquire(sequence: str, grid: Grid, affine: NDArray[np.float64], shift: Sequence[float]) -> Acquisition:
        random = _stream(seed, FLAIR if sequence == "FLAIR" else T1)
        # Seen from the head, a head moved by +shift is a grid moved by -shift.
        seen = affine.copy()
        seen[:3, 3] -= shift
        signal = signal_map(head, sequence, contrast)
        image, regions = sample(head, signal, deformation, seen, grid.shape, grid.subslices)
        truth = np.zeros(grid.shape, bool)
        gain = contrast[sequence]["white"] / CONTRAST[sequence]["white"]
        for layer_lesions, tissue, is_truth in ((others, "grey", False), (planted, "white", True)):
            layer = lesion_layer(layer_lesions, sequence, tissue, head, signal, gain, deformation, seen, grid.shape)
            where = tuple(layer.voxels.T)
            image[where] += layer.signal_change.astype(np.float32)
            if is_truth:
                truth[where] = layer.occupancy >= 0.5
        image *= bias_field(random, grid.shape)
        image = rician(random, image, random.uniform(0.015, 0.035))
        scale = np.float32(random.uniform(500, 1000))
        return Acquisition(np.minimum(np.rint(scale * image), 4095), affine, truth, regions, sequence)

    return BrainMRPhantom(
        flair=acquire("FLAIR", protocol.flair, flair_affine, (0, 0, 0)),
        t1=acquire("T1", protocol.t1, t1_affine, t1_shift_mm),
        seed=seed,
        lesion_list=planted,
        distractors=others,
    )


def lesion_in_region(seed: int, region: int, radius: float, *, size: Size = "full") -> Lesion:
    """A spherical lesion for the head of this seed and size, centred where the region is thickest.

    `region` is a label 1..34, `radius` in mm. Pass it to `simulate_brain_mr(seed, size=size, lesions=[...])`.
    """
    head = _head(size)
    deformation = _shape_of(seed)
    position = head.thickest_point(region)
    centre = deformation.to_patient(position[None])[0]
    lesion = Lesion(centre=(float(centre[0]), float(centre[1]), float(centre[2])), radius=radius)
    return with_side(lesion, deformation)


def _head(size: Size) -> Head:
    return template_head() if size == "full" else analytic_head()


def _stream(seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, purpose])


def _shape_of(seed: int) -> Deformation:
    return random_deformation(_stream(seed, SHAPE))
