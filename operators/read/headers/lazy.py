"""pydicom's data sets of headers whose elements are made when somebody asks for them.

Reading a series asks each header for a few attributes; to make all elements of all of them takes longer than to read
the files. A lazy data set becomes an ordinary one of pydicom, its class included, as soon as anything of it is asked
for. Only :func:`elements_of`, by which Gantry's own access to attributes goes, looks at the bytes without that.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, Protocol, TypeVar

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import BaseTag

from operators.read.headers.kind import LazyElements
from operators.read.headers.pydicom_objects import file_dataset, file_meta_dataset, read_character_set

_AnyDataset = TypeVar("_AnyDataset", bound=Dataset)

# Two threads may ask for the same header.
_MAKING = RLock()

_attribute_of, _set_attribute = object.__getattribute__, object.__setattr__


class ElementsByTag(Protocol):
    """What gives an element by its tag."""

    def get(self, tag: BaseTag, /) -> Any:
        """Return an element, None if it is absent."""


def elements_of(header: Dataset) -> ElementsByTag:
    """Return the elements of a data set as they stand: none of them is converted, none of a lazy data set is made."""
    lazy = lazy_elements_of(header)
    # Public ways to an element that is not converted yet take longer than reading it.
    return header._dict if lazy is None else lazy


def lazy_elements_of(header: Dataset) -> LazyElements | None:
    """Return the elements of a lazy data set; None if it is an ordinary one, or has become one."""
    if type(header) not in _LAZY_CLASSES:
        return None
    try:
        elements: LazyElements = _attribute_of(header, "_lazy")[0]
    # Another thread has just asked for something else.
    except AttributeError:
        return None
    return elements


def is_implicit(header: Dataset) -> bool:
    """Return whether a data set was read with implicit value representations (PS3.5 section 7.1.3)."""
    lazy = lazy_elements_of(header)
    return bool(header.original_encoding[0]) if lazy is None else lazy.kind.implicit


def lazy_file_meta(elements: LazyElements) -> FileMetaDataset:
    """Return what :func:`file_meta_dataset` returns for these elements."""
    return _lazy(_LazyFileMeta, elements, file_meta_dataset)


def lazy_file_dataset(
    elements: LazyElements,
    path: str,
    modified: float,
    preamble: bytes | None,
    file_meta: FileMetaDataset,
    implicit: bool,
) -> FileDataset:
    """Return what :func:`file_dataset` returns for these elements; raises what it raises."""
    read_character_set(elements)
    return _lazy(_LazyFileDataset, elements, file_dataset, path, modified, preamble, file_meta, implicit)


def ordinary(dataset: _AnyDataset) -> _AnyDataset:
    """Return the same data set with all of its elements made, if it was a lazy one."""
    with _MAKING:
        attributes: dict[str, Any] = _attribute_of(dataset, "__dict__")
        if "_lazy" in attributes:
            elements, make, others = attributes["_lazy"]
            made = make(elements.make(), *others)
            # In this order, as others do not wait for the lock once the class is the ordinary one.
            attributes.update(vars(made))
            _set_attribute(dataset, "__class__", type(made))
            del attributes["_lazy"]
    return dataset


def _lazy(
    lazy: type[_AnyDataset], elements: LazyElements, make: Callable[..., Dataset], *others: object
) -> _AnyDataset:
    dataset = lazy.__new__(lazy)
    _set_attribute(dataset, "_lazy", (elements, make, others))
    return dataset


class _Lazy(Dataset):
    def __getattribute__(self, name: str) -> Any:
        return getattr(ordinary(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(ordinary(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(ordinary(self), name)


class _LazyFileDataset(_Lazy, FileDataset):
    pass


class _LazyFileMeta(_Lazy, FileMetaDataset):
    pass


_LAZY_CLASSES = frozenset({_LazyFileDataset, _LazyFileMeta})
