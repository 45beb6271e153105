"""``gantry recover`` and what ``gantry serve`` says where it is needed."""

from __future__ import annotations

from pathlib import Path

from deploy.node.database import FILE_NAME, open_database
from deploy.node.lock import lock_data_folder
from tests.deploy.cli.conftest import Gantry
from tests.deploy.node.disk.kept import Kept


def damage(config: Path) -> Path:
    folder = config.parent / "data"
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(b"not a database " * 100)
    return folder


def test_damaged_index_is_kept_aside_and_made_anew(gantry: Gantry, config: Path) -> None:
    folder = damage(config)
    result = gantry("recover", "--config", config)
    assert result.exit_code == 0
    assert "0 instances indexed" in result.stdout
    (kept,) = folder.glob(f"{FILE_NAME}.replaced-*")
    assert str(kept) in result.stdout
    assert kept.read_bytes().startswith(b"not a database")
    open_database(folder).close()


def test_node_with_a_damaged_index_names_the_command(gantry: Gantry, config: Path) -> None:
    damage(config)
    result = gantry("serve", "--config", config)
    assert result.exit_code == 1
    assert "file is not a database; 'gantry recover' makes it from the spool again" in result.stderr


def test_data_folder_that_cannot_be_made_names_its_key(gantry: Gantry, config: Path) -> None:
    (config.parent / "data").write_text("a file")
    result = gantry("serve", "--config", config)
    assert result.exit_code == 1
    assert "data_folder" in result.stderr
    assert gantry("recover", "--config", config).exit_code == 1


def test_running_node_is_left_alone(gantry: Gantry, config: Path) -> None:
    with lock_data_folder(config.parent / "data"):
        result = gantry("recover", "--config", config)
    assert result.exit_code == 1
    assert "is in use by another node" in result.stderr


def test_check_names_the_images_that_are_not_as_they_came(gantry: Gantry, config: Path) -> None:
    kept = Kept(config.parent / "data")
    kept.add_study(1, images=4)
    assert "4 images are as they were received" in gantry("recover", "--check", "--config", config).stdout
    damaged, shortened, missing, _ = (kept.spool.folder / "1.2.1" / "1.2.1.1" / f"1.2.1.1.{n}.dcm" for n in range(4))
    damaged.write_bytes(damaged.read_bytes().replace(b"pixels", b"pixelz"))
    shortened.write_bytes(shortened.read_bytes()[:-2])
    missing.unlink()
    result = gantry("recover", "--check", "--config", config)
    assert result.exit_code == 1
    assert "1 images are as they were received" in result.stdout
    assert f"{damaged.name}: " in result.stderr
    assert f"{shortened.name}: " in result.stderr
    assert f"{missing.name}: the file is missing" in result.stderr
