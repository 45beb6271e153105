"""Small registrations."""

from __future__ import annotations

from pydicom.sr.codedict import codes

from operators.provenance import Analysis
from operators.write.deformable_spatial_registration import Deformation, write_deformable_spatial_registration
from operators.write.spatial_registration import Registration, write_spatial_registration
from operators.write.transforms.space import SeriesSpace
from operators.write.transforms.vector_grid import DisplacementField
from tests.operators.write.examples.made import Made, headers, one
from tests.operators.write.studies import as_series, make_volume
from tests.operators.write.test_deformable_spatial_registration import OUTPUT as BENT
from tests.operators.write.test_deformable_spatial_registration import smooth_field
from tests.operators.write.test_spatial_registration import OUTPUT as MOVED
from tests.operators.write.test_spatial_registration import moving_volume, turned


def spatial_registration(analysis: Analysis) -> Made:
    fixed, moving = make_volume("oblique"), moving_volume()
    registration = Registration(
        SeriesSpace(as_series(moving)), turned(), codes.DCM.ImageContentBasedAlignment, "mutual"
    )
    made = write_spatial_registration("registration", MOVED, SeriesSpace(as_series(fixed)), [registration], analysis)
    return one("registration", made, headers(fixed, moving))


def registration_across_studies(analysis: Analysis) -> Made:
    fixed, moving = make_volume(), moving_volume("test/prior study")
    registration = Registration(SeriesSpace(as_series(moving)), turned(), codes.DCM.ImageContentBasedAlignment)
    made = write_spatial_registration("registration", MOVED, SeriesSpace(as_series(fixed)), [registration], analysis)
    return one("registration", made, headers(fixed, moving))


def deformable_spatial_registration(analysis: Analysis) -> Made:
    fixed, moving = make_volume(), moving_volume()
    field = DisplacementField(smooth_field((4, 5, 6)), fixed.affine)
    deformation = Deformation(
        SeriesSpace(as_series(moving)), field, pre=turned(3.0), method=codes.DCM.ImageContentBasedAlignment
    )
    made = write_deformable_spatial_registration("bent", BENT, SeriesSpace(as_series(fixed)), [deformation], analysis)
    return one("bent", made, headers(fixed, moving))
