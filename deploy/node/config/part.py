"""What every part of the configuration shares: strictness, and the types of its values."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


class Part(BaseModel):
    """A part of ``gantry.yaml``: an unknown key is an error, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _application_entity_title(title: str) -> str:
    """Check an AE title (PS3.5 table 6.2-1: at most 16 characters, no backslash, no control character)."""
    title = title.strip(" ")
    if not 1 <= len(title) <= 16:
        raise ValueError("an AE title has 1 to 16 characters")
    if not title.isascii() or not title.isprintable() or "\\" in title:
        raise ValueError("an AE title is of printable ASCII characters without a backslash")
    return title


ApplicationEntityTitle = Annotated[str, AfterValidator(_application_entity_title)]

Host = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

Port = Annotated[int, Field(ge=1, le=65535)]

Seconds = Annotated[float, Field(gt=0)]

Uid = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=64)]


def _network(text: object) -> IPv4Network | IPv6Network:
    """Read a network; an IPv4-mapped IPv6 one (RFC 4291 2.5.5.2) as the IPv4 network that it is."""
    if isinstance(text, (IPv4Network, IPv6Network)):
        return text
    try:
        network = ip_network(str(text))
    except ValueError as error:
        # Such as "10.0.0.5/24 has host bits set".
        raise ValueError(
            f"{error}; a network is an address such as 10.0.0.5, or a range such as 10.0.0.0/24"
        ) from error
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return IPv4Network((mapped, network.prefixlen - 96)) if mapped is not None and network.prefixlen >= 96 else network


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class TLSConfig(Part):
    """One end of DICOM TLS (PS3.15 annex B, BCP 195): our certificate, and whom we trust. Files are in PEM.

    The files are read again when they change: certificates are renewed without a restart. Relative paths are taken
    from the configuration file's folder.
    """

    certificate: Path
    key: Path
    trusted: Path
