"""Secret files: settings that an orchestrator brings as files of a folder, one a setting, as Docker, Kubernetes and
systemd (`LoadCredential`) do. They are taken for environment variables of their names, so that whatever reads those
(settings, chains' endpoints, the alerts' secrets) has them. Of what is followed while the bridge runs the variable
names the file, as a person would, so that it is read again when the orchestrator replaces it."""

import os
import stat
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from bridge.environment import SECRETS_FOLDER_VARIABLE
from coordinator.errors import BridgeError

__all__ = ["FOLLOWED", "SecretFileError", "adopt_secret_files", "exposed_secret_files", "secret_files"]

# By the variable that a file is taken for otherwise: that of the setting which names such a file, and is followed.
FOLLOWED = {"BRIDGE_JWT_SECRETS": "BRIDGE_JWT_SECRETS_FILE"}
SYSTEMD_FOLDER_VARIABLE = "CREDENTIALS_DIRECTORY"
PREFIX = "BRIDGE_"
# More than a JWK set of a hundred keys; a folder of something else is not read into memory.
LIMIT_BYTES = 1_000_000


class SecretFileError(BridgeError):
    """A secret's file cannot be taken. The message shows nothing of what is in it."""


def adopt_secret_files(environment: MutableMapping[str, str]) -> None:
    """Adds what the files of the folder say that the environment names, or that systemd does. Files whose names do
    not begin like the bridge's variables are somebody else's. Raises SecretFileError."""
    paths = secret_files(environment)
    for name, value in _secrets_in(paths).items():
        known = environment.get(name)
        if known is not None and known != value:
            raise SecretFileError(
                f"{name} is set in the environment, and is a file in {paths[name].parent} that says something else;"
                " take one of them out"
            )
        file_variable = FOLLOWED.get(name)
        if file_variable is None or known is not None:
            environment[name] = value
        elif environment.get(file_variable, str(paths[name])) != str(paths[name]):
            raise SecretFileError(
                f"{file_variable} is set, and {paths[name]} is another file of the same; take one of them out"
            )
        else:
            environment[file_variable] = str(paths[name])


def _folder_of(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(SECRETS_FOLDER_VARIABLE)
    if named is None:
        by_systemd = environment.get(SYSTEMD_FOLDER_VARIABLE)
        return None if not by_systemd else Path(by_systemd)
    if not named.strip() or not Path(named).is_dir():
        raise SecretFileError(f"{SECRETS_FOLDER_VARIABLE}: there is no folder {named!r}; name the one that is meant")
    return Path(named)


def secret_files(environment: Mapping[str, str]) -> dict[str, Path]:
    """The files, by the variables that they are taken for. Raises SecretFileError."""
    folder = _folder_of(environment)
    if folder is None:
        return {}
    try:
        paths = [path for path in sorted(folder.iterdir()) if path.name.upper().startswith(PREFIX)]
    except OSError as error:
        raise SecretFileError(f"{folder} cannot be read: {os.strerror(error.errno or 0)}") from None
    for path in paths:
        if not path.is_file():  # as Docker makes a folder of a file to mount that is not there
            raise SecretFileError(f"{path} is no file; put the secret there as a file, or remove the folder")
    return {path.name.upper(): path for path in paths}


def exposed_secret_files(environment: Mapping[str, str]) -> list[Path]:
    """Those that others on this machine can read. What an orchestrator mounts to be read alone is its own affair, and
    so is what systemd brings."""
    return [
        path
        for path in secret_files(environment).values()
        if SECRETS_FOLDER_VARIABLE in environment
        and path.stat().st_mode & stat.S_IROTH
        and path.parent.stat().st_mode & stat.S_IXOTH
        and not os.statvfs(path).f_flag & os.ST_RDONLY
    ]


def _secrets_in(paths: Mapping[str, Path]) -> dict[str, str]:
    return {name: _content(path) for name, path in paths.items()}


def _content(path: Path) -> str:
    content = _text(path)
    if not content:
        raise SecretFileError(f"{path} is empty; put the secret into it, or take the file away")
    return content


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise SecretFileError(f"{path} is larger than {LIMIT_BYTES:,} bytes, and no setting")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretFileError(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from None
    except UnicodeDecodeError:
        raise SecretFileError(f"{path} is not a text file in UTF-8") from None
