"""The bearer tokens (RFC 6750) with which peers send by STOW-RS, from their files."""

from __future__ import annotations

from pathlib import Path

from deploy.node.config import ConfigError

MINIMUM_LENGTH = 16


def read_token(path: Path, key: str) -> str:
    """Return the token in a file, without the white space around it.

    Raises :class:`ConfigError`, which names ``key``, where the file cannot be read or holds no token of at least 16
    printable ASCII characters without a space.
    """
    try:
        token = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError(f"{key}: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{key}: {path} holds no token of ASCII characters") from error
    if len(token) < MINIMUM_LENGTH or not token.isprintable() or " " in token:
        raise ConfigError(
            f"{key}: {path} must hold one token of at least {MINIMUM_LENGTH} characters without spaces, "
            "such as the output of: openssl rand -hex 32"
        )
    return token
