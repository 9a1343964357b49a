"""What MkDocs does to the pages beside making HTML of them.

The pages are read on a forge, too, where links to the sources and pictures in files work as they are. The
site has no sources, so there such a link becomes the file's name. Pictures are put into the page itself, so
that they follow its colours, and the README and the changelog become pages.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
PICTURE = re.compile(r'<p>\s*<img alt="([^"]*)" src="([^"]+\.svg)"\s*/?>\s*</p>')
PAGES = {"README.md": "five-minutes.md", "CHANGELOG.md": "changelog.md", "SECURITY.md": "security.md"}
"""What lies outside docs/, and as which page the site has it."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Take in the pages whose links lead from the root of the project."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text().replace("](docs/", "](")
        for other, there in PAGES.items():
            text = text.replace(f"]({other}", f"]({there}")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that lead out of docs/ into names of files; and what is folded up is Markdown, too."""
    return LINK.sub(_without_source, markdown).replace("<details>", '<details markdown="1">')


def _without_source(link: re.Match[str]) -> str:
    text, path, anchor = link[1], link[2].removeprefix("../"), link[3] or ""
    if path in PAGES:
        return f"[{text}]({PAGES[path]}{anchor})"
    return f"`{path}`" if text.strip("`") in (path, Path(path).name) else f"{text} (`{path}`)"


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put pictures into the page, in colours that the style sheet may change."""

    def put_in(image: re.Match[str]) -> str:
        file = files.get_file_from_path(_in_docs(image[2], page, files))
        if file is None:
            return image[0]
        return f'<div class="picture" tabindex="0">{_in_colours(file.content_string)}</div>'

    return PICTURE.sub(put_in, html)


def _in_docs(source: str, page: Page, files: Files) -> str:
    """The file in docs/ behind the address that MkDocs has made of it for this page."""
    address = posixpath.normpath(posixpath.join(page.url, source))
    return next((file.src_uri for file in files if file.url == address), source)


def _in_colours(picture: str) -> str:
    """Name each colour after itself: var(--picture-ffffff, #ffffff)."""
    return re.sub(r"#([0-9a-f]{6})\b", r"var(--picture-\1, #\1)", picture)
