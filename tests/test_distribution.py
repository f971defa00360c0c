"""What is installed holds everything that running Piste needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.test_house import PRODUCT, ROOT, tracked


def test_every_file_of_the_packages_is_in_the_distribution(tmp_path: Path) -> None:
    files = {path.relative_to(ROOT) for path in tracked() if not path.name.startswith(".")}
    wanted = {path for path in files if path.parts[0] in PRODUCT}
    source = tmp_path / "source"
    for path in {*wanted, Path("pyproject.toml"), Path("README.md")}:
        (source / path.parent).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, source / path)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(tmp_path)]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(source)],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    with zipfile.ZipFile(next(tmp_path.glob("piste-*.whl"))) as wheel:
        held = {Path(name) for name in wheel.namelist()}
    assert sorted(map(str, wanted - held)) == []
