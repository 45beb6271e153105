"""B-mode ultrasound from scatterers: speckle is what their echoes make together.

Random scatterers, as strong as the tissue, are convolved with the point-spread function of a linear probe; the
envelope is attenuated with depth, compressed logarithmically and shown on 8 bits (Jensen & Svendsen 1992 for the
linear model; Wagner et al. 1983 for speckle's statistics).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float64]

_CYCLES_PER_PIXEL = 0.25
"""The carrier along depth: its phase makes neighbouring scatterers cancel or add up."""


@dataclass(frozen=True)
class Scanner:
    """One scanner and its setting: what another hospital's machine does otherwise.

    ``axial`` and ``lateral`` are the point-spread function's standard deviations in pixels, ``widening`` what the
    lateral one gains over the whole depth, in pixels; ``dynamic_range`` and ``gain`` are in dB, ``attenuation`` in dB
    over the whole depth of which ``compensation`` is made up for, ``noise`` the electronic noise in dB below the
    tissue's echo at the surface.
    """

    axial: float = 1.1
    lateral: float = 2.2
    widening: float = 1.5
    dynamic_range: float = 60.0
    gain: float = 0.0
    attenuation: float = 22.0
    compensation: float = 20.0
    noise: float = 58.0


REFERENCE = Scanner()

OTHER_SCANNER = Scanner(
    axial=2.2, lateral=4.6, widening=3.0, dynamic_range=40.0, gain=6.0, compensation=12.0, noise=34.0
)
"""An old machine with a low-frequency probe: coarse speckle, hard contrast, dark and noisy at depth."""


def random_scanner(random: np.random.Generator) -> Scanner:
    """Return a setting of the reference scanner as sonographers change it: gain, range, focus, depth compensation."""
    return Scanner(
        axial=random.uniform(0.9, 1.5),
        lateral=random.uniform(1.7, 3.0),
        widening=random.uniform(0.8, 2.2),
        dynamic_range=random.uniform(52, 70),
        gain=random.uniform(-5, 5),
        compensation=random.uniform(17, 23),
        noise=random.uniform(50, 60),
    )


def b_mode(echo: Image, loss: Image, scanner: Scanner, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture (row, column) of tissue.

    ``echo`` is how strongly each place scatters in dB (0 is gland), ``loss`` its attenuation relative to that of
    ordinary tissue (1 everywhere means none that is peculiar); both (row, column), rows are depth.
    """
    rows, columns = echo.shape
    scatterers = random.normal(size=(rows, columns)) + 1j * random.normal(size=(rows, columns))
    scatterers *= 10 ** (echo / 20)
    signal = _blurred(scatterers, scanner)
    depth = np.cumsum(loss, axis=0) / rows
    level = -scanner.attenuation * depth + scanner.compensation * np.linspace(0, 1, rows)[:, None] + scanner.gain
    # Noise is added behind the probe: the compensation of depth raises it with the echo.
    noise = random.normal(size=(rows, columns)) + 1j * random.normal(size=(rows, columns))
    boost = scanner.compensation * np.linspace(0, 1, rows)[:, None] + scanner.gain
    envelope = np.abs(signal * 10 ** (level / 20) + noise * 10 ** ((boost - scanner.noise) / 20))
    decibel = 20 * np.log10(envelope + 1e-6)
    # The brightest that the scale shows lies some dB above the mean echo of gland.
    shown = (decibel - 12.0) / scanner.dynamic_range + 1.0
    return np.clip(np.rint(255 * np.clip(shown, 0, 1)), 0, 255).astype(np.uint8)


def _blurred(scatterers: NDArray[np.complex128], scanner: Scanner) -> NDArray[np.complex128]:
    """Convolve with the point-spread function, which widens with depth: near and far are blurred and blended."""
    near = _convolved(scatterers, scanner.axial, scanner.lateral)
    far = _convolved(scatterers, scanner.axial, scanner.lateral + scanner.widening)
    share = np.linspace(0, 1, len(scatterers))[:, None]
    blended = (1 - share) * near + share * far
    return np.asarray(blended)


def _convolved(scatterers: NDArray[np.complex128], axial: float, lateral: float) -> NDArray[np.complex128]:
    rows, columns = scatterers.shape
    depth = np.fft.fftfreq(rows)[:, None]
    across = np.fft.fftfreq(columns)[None, :]
    # The transfer function of a Gaussian pulse with a carrier, of unit energy.
    transfer = np.exp(-2 * np.pi**2 * (axial**2 * (depth - _CYCLES_PER_PIXEL) ** 2 + lateral**2 * across**2))
    transfer /= np.sqrt(np.mean(transfer**2)) * np.sqrt(2)
    return np.asarray(np.fft.ifft2(np.fft.fft2(scatterers) * transfer))
