"""What the result objects say: segments, measurement groups and evaluations of one burden."""

from __future__ import annotations

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from apps.mr_white_matter_lesions.burden import Burden, millilitres
from apps.mr_white_matter_lesions.inputs import Configuration
from apps.mr_white_matter_lesions.regions import SIDES, Region, load_regions
from operators.measure.measurement import Evaluation, Measurement, MeasurementGroup, SegmentReference
from operators.refused import CODING_SCHEME
from operators.write.segment import Segment

CUBIC_CENTIMETRE = Code("cm3", "UCUM", "cubic centimeter")
PERCENT = Code("%", "UCUM", "percent")
LESIONS = Code("{lesion}", "UCUM", "lesions")
NO_UNITS = Code("1", "UCUM", "no units")
VOXEL_SUMMATION = Code("YEKZ", "IBSI", "Volume from Voxel Summation")
NUMBER_OF_LESIONS = Code("246206008", "SCT", "Number of lesions")
LARGEST_LESION = Code("largest-lesion-volume", CODING_SCHEME, "Volume of largest lesion")
REGION_VOLUME = Code("region-volume", CODING_SCHEME, "Volume of region")
LOAD = Code("118586006", "SCT", "Ratio")
MEAN_ENTROPY = Code("mean-entropy", CODING_SCHEME, "Mean normalised softmax entropy")
RELIABILITY = Code("reliability", CODING_SCHEME, "Reliability of result")
LOW_RELIABILITY = Code("low-reliability", CODING_SCHEME, "Low: T1 without FLAIR")
USUAL_RELIABILITY = Code("usual-reliability", CODING_SCHEME, "As described in the model card")

TOTAL = "White matter lesions"
UNASSIGNED = "Lesions outside every region"
LESION_COLOUR = (255, 60, 40)


def lesion_finding(configuration: Configuration) -> Code:
    """Return what is outlined: hyperintensity on FLAIR; hypointensity where only a T1 was seen (CID 7140)."""
    if configuration is Configuration.T1_ONLY:
        return codes.DCM.WhiteMatterT1Hypointensity
    return codes.DCM.WhiteMatterT2Hyperintensity


def lesion_segments(configuration: Configuration) -> list[Segment]:
    """Return the one segment of the lesion Segmentation."""
    return [
        Segment(
            number=1,
            label=TOTAL,
            category=codes.SCT.MorphologicallyAbnormalStructure,
            type=lesion_finding(configuration),
            tracking_identifier=TOTAL,
            colour=LESION_COLOUR,
            anatomic_region=codes.SCT.CerebralWhiteMatter,
        )
    ]


def region_segments() -> list[Segment]:
    """Return the segments of the region Segmentation, one per region and side."""
    return [
        Segment(
            number=region.number,
            label=region.title,
            category=codes.SCT.AnatomicalStructure,
            type=codes.SCT.CerebralWhiteMatter,
            tracking_identifier=f"Region: {region.title}",
            colour=region.colour,
            anatomic_region=region.code,
            laterality=region.laterality,
        )
        for region in load_regions()
    ]


def measurement_groups(burden: Burden, configuration: Configuration) -> list[MeasurementGroup]:
    """Return the report's table: total, each side, each region, unassigned; regions and unassigned make the total."""
    finding = lesion_finding(configuration)
    return [
        _total(burden, finding),
        *(
            MeasurementGroup(
                tracking_identifier=f"{TOTAL}, {side}",
                finding=finding,
                finding_site=codes.SCT.CerebralWhiteMatter,
                laterality=laterality,
                measurements=(_volume(burden, burden.side_voxels(side)),),
            )
            for side, laterality in SIDES.items()
        ),
        *(_region(burden, region, finding) for region in load_regions()),
        MeasurementGroup(
            tracking_identifier=UNASSIGNED,
            finding=finding,
            measurements=(_volume(burden, burden.load.unassigned_voxels),),
        ),
    ]


def evaluations(configuration: Configuration) -> list[Evaluation]:
    """Return how far the result can be relied on, given the sequences."""
    low = configuration is Configuration.T1_ONLY
    return [Evaluation(RELIABILITY, LOW_RELIABILITY if low else USUAL_RELIABILITY)]


def _total(burden: Burden, finding: Code) -> MeasurementGroup:
    load = burden.load
    measurements = [
        _volume(burden, load.total_voxels),
        Measurement(NUMBER_OF_LESIONS, load.lesion_count, LESIONS),
        Measurement(LARGEST_LESION, load.largest_volume / 1000, CUBIC_CENTIMETRE, VOXEL_SUMMATION),
    ]
    if burden.lesion_entropy is not None:
        measurements.append(Measurement(MEAN_ENTROPY, round(burden.lesion_entropy, 4), NO_UNITS))
    return MeasurementGroup(
        tracking_identifier=TOTAL,
        finding=finding,
        finding_site=codes.SCT.CerebralWhiteMatter,
        segment=SegmentReference("lesions", 1),
        measurements=tuple(measurements),
    )


def _region(burden: Burden, region: Region, finding: Code) -> MeasurementGroup:
    load = burden.load.regions[region.number]
    measurements = [_volume(burden, load.lesion_voxels)]
    if load.percent is not None:
        measurements += [
            Measurement(REGION_VOLUME, load.region_volume / 1000, CUBIC_CENTIMETRE, VOXEL_SUMMATION),
            Measurement(LOAD, load.percent, PERCENT),
        ]
    return MeasurementGroup(
        tracking_identifier=f"{TOTAL}: {region.title}",
        finding=finding,
        finding_site=region.code,
        laterality=region.laterality,
        measurements=tuple(measurements),
    )


def _volume(burden: Burden, voxels: int) -> Measurement:
    return Measurement(codes.SCT.Volume, millilitres(burden, voxels), CUBIC_CENTIMETRE, VOXEL_SUMMATION)
