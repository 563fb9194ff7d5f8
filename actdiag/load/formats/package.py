"""``torch.package``: an archive of pickles and Python source. Recognised, and not opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from actdiag.errors import ModelFileError
from actdiag.load.format import Format, Request, Verdict
from actdiag.text import printable

if TYPE_CHECKING:
    from actdiag.load.source import ModelFile
    from actdiag.load.trust import Trust

TITLE = "a torch.package archive"
WHY = "it is Python source and pickles that run when they are imported"
SIGN = ".data/extern_modules"


def recognises(file: ModelFile) -> bool:
    """Whether a zip archive lists the modules it expects outside."""
    archive = file.archive
    return archive is not None and SIGN in archive


def examine(_file: ModelFile, _trust: Trust) -> Verdict:
    """It is code."""
    return Verdict(why=WHY)


def load(file: ModelFile, _request: Request) -> NoReturn:
    """Say what to do instead.

    Raises:
        ModelFileError: always; the hint names the pickles inside.
    """
    pickles = (
        [name for name in file.archive.entries if name.endswith(".pkl")] if file.archive else []
    )
    folder, _, name = (pickles[0] if pickles else "PACKAGE/MODEL.pkl").rpartition("/")
    hint = (
        f"If you trust its source ({WHY}), save what it holds as a state dict: "
        f'm = torch.package.PackageImporter("{file}").load_pickle("{printable(folder)}", '
        f'"{printable(name)}"); torch.save(m.state_dict(), "weights.pt").'
    )
    raise ModelFileError(f"{file} is {TITLE}, which actdiag doesn't open.", hint=hint)


FORMAT = Format("package", TITLE, recognises, load, examine)
