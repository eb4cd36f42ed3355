"""The pages of the examples, copied to where a reader of their READMEs has them."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.support.javascript import MODULE
from tests.support.sdks.driver import find_modules


def copy_page(names: Iterable[Path], folder: Path) -> Path:
    """Copy a page's files, and install what it loads as its README says.

    Args:
        names: The files.
        folder: Where to.

    Returns:
        The folder.
    """
    for name in names:
        shutil.copy(name, folder)
    modules = folder / "node_modules"
    modules.mkdir()
    (modules / "centrifuge").symlink_to(Path(find_modules()) / "centrifuge")
    (modules / "wspubsub").symlink_to(MODULE)
    # Browsers load no modules from files.
    script = re.sub(r"(?m)^export ", "", (MODULE / "index.js").read_text())
    (modules / "wspubsub.js").write_text(script)
    return folder
