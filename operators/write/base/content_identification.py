"""What an object is called and who made its content (PS3.3 table 10-12)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.write.base.equipment import algorithm_name


def write_content_identification(result: Dataset, output_name: str, output: OutputPart, analysis: Analysis) -> None:
    """Write the Content Identification macro: label from the output's name, description from its title.

    The label (CS) has capital letters and at most 16 characters; the creator is the algorithm, as a person's name is
    written: manufacturer, then algorithm.
    """
    result.ContentLabel = output_name.upper()[:16]
    result.ContentDescription = output.title
    result.ContentCreatorName = f"{analysis.algorithm.manufacturer}^{algorithm_name(analysis.algorithm)}"
