"""What a job leaves in the server's workspace: files of texts or bytes, sizes and trees."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator, model_validator

from mock_server.quantities import Size
from mock_server.scenarios.base import Part, Place, raise_faults

BIG_FILE = "result.bin"
"""The file of a result that has the size a rule asks for."""

_MAX_TREE_FILES = 1_000_000

_T = TypeVar("_T")


def _read_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    expected = "expected bytes in base64"
    if not isinstance(value, str):
        raise ValueError(f"{expected}, but got {value!r:.60}")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except ValueError as problem:
        raise ValueError(f"{expected}, but got {value!r:.60}: {problem}") from None


Bytes = Annotated[
    bytes,
    BeforeValidator(_read_bytes),
    PlainSerializer(lambda value: base64.b64encode(value).decode("ascii"), return_type=str),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""Bytes, written in base64, in YAML also with the tag ``!!binary``; in Python as they are."""


class Tree(Part):
    """Folders in folders, with files that have a size and no meaning."""

    path: str = "tree"
    """The topmost folder, below the workspace."""
    depth: int = Field(default=1, ge=1, le=32)
    """Levels of folders below the topmost one."""
    folders: int = Field(default=2, ge=1, le=10_000)
    """Folders in a folder."""
    files: int = Field(default=1, ge=1, le=100_000)
    """Files in each folder of the lowest level."""
    file_size: Size = 1024
    """Bytes of each file."""

    @model_validator(mode="after")
    def _possible(self) -> Tree:
        if self.count > _MAX_TREE_FILES:
            raise ValueError(f"expected a tree of at most {_MAX_TREE_FILES:,} files, but got one of {self.count:,}")
        return self

    @property
    def count(self) -> int:
        """How many files it has."""
        return int(self.folders**self.depth * self.files)

    def paths(self) -> Iterator[str]:
        """The path of every file."""
        yield from self._below(self.path, self.depth)

    def _below(self, folder: str, levels: int) -> Iterator[str]:
        if levels == 0:
            yield from (f"{folder}/file-{number}.bin" for number in range(1, self.files + 1))
            return
        for number in range(1, self.folders + 1):
            yield from self._below(f"{folder}/folder-{number}", levels - 1)


class ResultSpec(Part):
    """What a job leaves in the server's workspace, beside the files of every job."""

    files: dict[str, str] = Field(default_factory=dict)
    """Paths below the workspace, and the text of each."""
    binaries: dict[str, Bytes] = Field(default_factory=dict)
    """Paths below the workspace, and the content of each in base64: files that are no texts."""
    size: Size = 0
    """Bytes of one more file, ``result.bin``."""
    sizes: dict[str, Size] = Field(default_factory=dict)
    """Paths below the workspace, and the bytes of each; what is in these files has no meaning."""
    trees: tuple[Tree, ...] = ()
    """Folders full of files."""

    @field_validator("files", "binaries", "sizes")
    @classmethod
    def _inside(cls, files: dict[str, Any]) -> dict[str, Any]:
        raise_faults(((name,), text) for name, text in path_faults(list(files)))
        return files

    @model_validator(mode="after")
    def _apart(self) -> ResultSpec:
        names = self.names
        index = len(self.files)
        places: dict[str, Place] = {name: ("binaries", name) for name in self.binaries}
        places |= {name: ("sizes", name) for name in self.sizes}
        places |= {tree.path: ("trees", number, "path") for number, tree in enumerate(self.trees)}
        raise_faults((places.get(name, ("trees",)), text) for name, text in path_faults(names) if name in names[index:])
        return self

    @property
    def names(self) -> list[str]:
        """The paths of all files, and the topmost folders of trees."""
        return [*self.files, *self.binaries, *self.sizes, *(tree.path for tree in self.trees)]

    def joined(self, more: ResultSpec) -> ResultSpec:
        """This result, and what somebody adds; see ``extended``.

        Raises:
            ValueError: they cannot stand beside each other.
        """
        found = self.extended(more)
        faults = [text for _, text in path_faults(found.names)]
        if faults:
            raise ValueError("; ".join(faults))
        return found

    def extended(self, more: ResultSpec) -> ResultSpec:
        """This result, and what a stage adds; the latter counts where both say something."""
        anew = {PurePosixPath(name) for name in (*more.files, *more.binaries, *more.sizes)}

        def kept(files: dict[str, _T]) -> dict[str, _T]:
            return {name: content for name, content in files.items() if PurePosixPath(name) not in anew}

        trees = {tree.path: tree for tree in (*self.trees, *more.trees)}
        return self.model_copy(
            update={
                "files": {**kept(self.files), **more.files},
                "binaries": {**kept(self.binaries), **more.binaries},
                "size": more.size or self.size,
                "sizes": {**kept(self.sizes), **more.sizes},
                "trees": tuple(trees.values()),
            }
        )


def path_faults(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the names that cannot stand for files below a workspace beside each other, each with what is wrong."""
    paths: dict[PurePosixPath, str] = {}
    for name in names:
        path = PurePosixPath(name)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
            yield name, f"expected a path below the workspace, but got {name!r}"
        elif path == PurePosixPath(BIG_FILE):
            yield name, f"expected another name, as {BIG_FILE!r} is the file that `size` makes"
        elif path in paths:
            yield name, f"expected each file once, but {paths[path]!r} and {name!r} are the same"
        paths.setdefault(path, name)
    for path, name in paths.items():
        above = next((parent for parent in path.parents if parent in paths and parent.parts), None)
        if above is not None:
            yield name, f"expected a path below a folder, but {paths[above]!r} is a file"
