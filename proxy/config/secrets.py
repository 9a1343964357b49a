"""Secrets are kept in files or in the environment, never in arguments."""

from pathlib import Path

from proxy.config.values import Given, Mistake

FILE_MAX_BYTES = 1024 * 1024
"""Of any file that is read here: somebody may name one that has no end."""


class TooLong(ValueError):
    """A file is none of ours."""


def read_text(path: Path) -> str:
    """The whole file. Raises OSError, and ValueError where it is no UTF-8, or too long."""
    with path.open("rb") as file:
        data = file.read(FILE_MAX_BYTES + 1)
    if len(data) > FILE_MAX_BYTES:
        raise TooLong(f"is longer than {FILE_MAX_BYTES} bytes")
    return data.decode()


def read_secret(name: str, file: Given, wrong: list[Mistake]) -> Given | None:
    """The secret in this file, without the newline at its end; None where there is none, and a mistake."""
    try:
        text = read_text(file.value).removesuffix("\n").removesuffix("\r")
        what = "" if text else "is empty"
    except OSError as error:
        what = str(error.strerror)
    except UnicodeDecodeError:
        what = "is not UTF-8 text"
    except TooLong as error:
        what = str(error)
    except ValueError:
        what = "no file has such a name"  # with a NUL in it
    if what:
        wrong.append(Mistake(file.place, f"{file.value}: {what}", frozenset({name})))
        return None
    return Given(file.place, text)
