from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from operators.write.documents.mesh import enclosed_volume, stl_file, surface
from tests.operators.write.studies import ORIENTATIONS, make_volume


def second_reader(document: bytes) -> trimesh.Trimesh:
    """The mesh as trimesh reads it: equal corners joined."""
    mesh = trimesh.load(io.BytesIO(document), file_type="stl")
    assert isinstance(mesh, trimesh.Trimesh)
    return mesh


def facets(document: bytes) -> NDArray[Any]:
    """The facets by the format's own description: normal, three corners, attribute."""
    count = int.from_bytes(document[80:84], "little")
    assert len(document) == 84 + 50 * count
    return np.frombuffer(document[84:], dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("other", "<u2")])


def voxel_corners(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The corners, in LPS mm, of the box of whole voxels that holds the mask."""
    where = np.argwhere(mask)[:, ::-1]
    low, high = where.min(axis=0) - 0.5, where.max(axis=0) + 0.5
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    return corners @ affine[:3, :3].T + affine[:3, 3]


@pytest.mark.parametrize("orientation", list(ORIENTATIONS))
@pytest.mark.parametrize("reversed_order", [False, True])
def test_a_box_has_its_place_size_and_volume(orientation: str, reversed_order: bool) -> None:
    """In every orientation, also where the grid's axes are left-handed."""
    volume = make_volume(orientation, (24, 30, 28), spacing=(2.0, 0.5, 0.8), reversed_order=reversed_order)
    mask = np.zeros((24, 30, 28), bool)
    mask[3:21, 4:29, 2:25] = True
    mesh = second_reader(stl_file(surface(mask, volume.affine)))
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(mask.sum() * volume.voxel_volume, rel=0.02)
    corners = voxel_corners(mask, volume.affine)
    if orientation != "oblique":
        np.testing.assert_allclose(mesh.bounds, [corners.min(axis=0), corners.max(axis=0)], atol=1e-4)
    # The six sides lie in the planes of the outermost voxels' sides.
    grid = np.linalg.inv(volume.affine)
    indices = mesh.vertices @ grid[:3, :3].T + grid[:3, 3]
    np.testing.assert_allclose(indices.min(axis=0), [1.5, 3.5, 2.5], atol=1e-3)
    np.testing.assert_allclose(indices.max(axis=0), [24.5, 28.5, 20.5], atol=1e-3)
    # Every normal points away from the middle of a convex body.
    outwards = mesh.triangles_center - corners.mean(axis=0)
    assert (np.einsum("ij,ij->i", mesh.face_normals, outwards) > 0).all()


def test_a_ball_has_the_volume_of_its_voxels() -> None:
    radius = 12.0
    points = np.moveaxis(np.indices((30, 30, 30)), 0, -1) - 14.5
    mask = (points**2).sum(axis=3) < radius**2
    affine = np.eye(4)
    mesh = second_reader(stl_file(surface(mask, affine)))
    assert mesh.volume == pytest.approx(mask.sum(), rel=0.01)
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.02)
    np.testing.assert_allclose(mesh.center_mass, [14.5] * 3, atol=0.01)


@settings(deadline=None, max_examples=40)
@given(mask=arrays(bool, array_shapes(min_dims=3, max_dims=3, max_side=6)), data=st.data())
def test_any_mask_is_enclosed(mask: NDArray[np.bool_], data: st.DataObject) -> None:
    if not mask.any():
        return
    axes = data.draw(st.permutations(range(3)))
    lengths = np.array(data.draw(st.lists(st.floats(0.3, 5.0), min_size=3, max_size=3)))
    signs = np.array(data.draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=3, max_size=3)))
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[axes] * (lengths * signs)
    affine[:3, 3] = data.draw(st.lists(st.floats(-300, 300), min_size=3, max_size=3))
    triangles = surface(mask, affine)
    corners = voxel_corners(mask, affine)
    np.testing.assert_allclose(triangles.min(axis=(0, 1)), corners.min(axis=0), atol=1e-9)
    np.testing.assert_allclose(triangles.max(axis=(0, 1)), corners.max(axis=0), atol=1e-9)
    # Closed: every edge is run through once each way.
    grid = np.round((triangles - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T * 2).astype(int)
    edges = np.concatenate([grid[:, [0, 1]], grid[:, [1, 2]], grid[:, [2, 0]]]).reshape(-1, 6)
    there, there_count = np.unique(edges, axis=0, return_counts=True)
    back, back_count = np.unique(edges[:, [3, 4, 5, 0, 1, 2]], axis=0, return_counts=True)
    np.testing.assert_array_equal(there, back)
    np.testing.assert_array_equal(there_count, back_count)
    # Corners are cut: what is missing lies in the voxels of the surface.
    voxels = enclosed_volume(triangles) / np.prod(lengths)
    inner = mask.copy()
    for axis in range(3):
        padded = np.pad(mask, 1)
        index: list[slice] = [slice(1, -1)] * 3
        for shift in (slice(0, -2), slice(2, None)):
            index[axis] = shift
            inner &= padded[tuple(index)]
    assert inner.sum() - 1e-6 <= voxels <= mask.sum() + 0.5 * (mask & ~inner).sum()


def test_the_file_holds_unit_normals_of_its_corners() -> None:
    mask = np.zeros((5, 6, 7), bool)
    mask[1:4, 2:5, 1:5] = True
    triangles = surface(mask, make_volume("oblique", (5, 6, 7)).affine)
    document = stl_file(triangles)
    found = facets(document)
    np.testing.assert_array_equal(found["corners"], triangles.astype(np.float32))
    a, b, c = np.moveaxis(triangles, 1, 0)
    normals = np.cross(b - a, c - a)
    np.testing.assert_allclose(found["normal"], normals / np.linalg.norm(normals, axis=1)[:, None], atol=1e-6)
    assert not document.startswith(b"solid")


def test_a_mask_without_a_voxel_has_no_surface() -> None:
    with pytest.raises(ValueError, match="no surface"):
        surface(np.zeros((3, 3, 3), bool), np.eye(4))
    with pytest.raises(ValueError, match="of bool"):
        surface(np.ones((3, 3, 3), np.uint8), np.eye(4))
