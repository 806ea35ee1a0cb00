"""Typesets a woven document as paper/paper.pdf and paper/index.html. Run by paper/typeset, which provides the tools."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pypandoc
import typst
from PIL import Image

PAPER = Path("paper")
WORK = Path(".build/paper")
PICTURES = WORK / "pictures"
# 157 dots to the inch in print.
WIDTH = 1000


def shrink(picture: Path) -> None:
    """Makes a JPEG where that saves much: of photographs and heat maps, not of curves."""
    target = PICTURES / picture.with_suffix(".jpg").name
    target.unlink(missing_ok=True)
    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    # A film's frames keep their size.
    if image.width > WIDTH and "-film-" not in picture.name:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    # Without subsampling, which would smear the red and blue of heat maps.
    image.save(target, quality=55, subsampling=0, optimize=True, progressive=True)
    if target.stat().st_size + 50_000 > picture.stat().st_size:
        target.unlink()


def pandoc(document: Path, output: Path, *options: str) -> None:
    command = [pypandoc.get_pandoc_path(), str(document), "--from=markdown", f"--output={output}", "--standalone",
               "--citeproc", f"--bibliography={PAPER}/references.bib", f"--lua-filter={PAPER}/filter.lua",
               f"--metadata=pictures:{PICTURES}", "--columns=1000", "--fail-if-warnings", *options]
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"paper: {document}: {result.stderr.strip()}")


def publish(made: Path, place: Path) -> None:
    """A reader sees the old file or the new one."""
    part = place.with_name(f".{place.name}.part")
    part.write_bytes(made.read_bytes())
    os.replace(part, place)
    print(f"paper: {place}, {place.stat().st_size / 1e6:.1f} MB")


def main(document: Path) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in sorted(set(re.findall(r"(?:\]\(|sheet=\")(Figures/[^)\"]+\.png)", document.read_text()))):
        shrink(Path(name))

    page = WORK / "index.html"
    pandoc(document, page, "--to=html5", "--mathml", "--toc", "--toc-depth=2", "--embed-resources",
           f"--template={PAPER}/template.html", f"--css={PAPER}/style.css", f"--variable=script:{PAPER}/page.js")

    source = WORK / "paper.typ"
    pandoc(document, source, "--to=typst", f"--template={PAPER}/template.typ")
    pdf = WORK / "paper.pdf"
    # The fonts that Typst brings along and no date: the same bytes on every machine.
    try:
        typst.compile(str(source), output=str(pdf), root=".", ignore_system_fonts=True)
    except typst.TypstError as error:
        sys.exit(f"paper: {error.diagnostic}")

    publish(page, PAPER / "index.html")
    publish(pdf, PAPER / "paper.pdf")


main(Path(sys.argv[1]))
