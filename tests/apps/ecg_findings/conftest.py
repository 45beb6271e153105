"""The shipped model, loaded once."""

from __future__ import annotations

import pytest
import torch

from apps.ecg_findings.classify import Model, load_model
from apps.run import model_folder_of


@pytest.fixture(scope="session")
def model() -> Model:
    return load_model(model_folder_of("ecg_findings"), torch.device("cpu"))
