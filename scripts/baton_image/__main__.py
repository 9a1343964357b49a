"""``./scripts/image FOLDER``."""

import sys
from pathlib import Path

from scripts.baton_image.building import build
from scripts.baton_image.dockerfile import DockerfileError

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: ./scripts/image FOLDER, which is made")
    try:
        build(Path(__file__).resolve().parents[2], Path(sys.argv[1]).resolve())
    except DockerfileError as fault:
        sys.exit(f"image: {fault}")
