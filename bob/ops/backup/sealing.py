"""An encrypted file: nobody reads or changes it without the passphrase, and no part of it is lost.

    line 1      bob-backup/1
    line 2      JSON, readable by anyone: cluster, when it was made, salt and costs of the key
    then        pieces of up to 1 MiB, each sealed with AES-256-GCM: 4 bytes length, then the piece

The key is made from the passphrase by scrypt (RFC 7914). Each piece is bound to both lines, to its
number, and to whether it is the last one, so pieces cannot be changed, left out, moved or cut off.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bob.errors import UsageError

FORMAT = b"bob-backup/1\n"
PIECE = 1024 * 1024
SCRYPT = {"n": 2**16, "r": 8, "p": 1}  # 64 MB and about 0.2 s for each guess
MOST_SCRYPT_N = 2**20  # a forged header must not cost more than 1 GB
HEADER_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Label:
    """What anybody can read of a backup: whose it is, and when it was made (UTC, ISO 8601)."""

    cluster: str
    cluster_id: str
    made: str


def seal(source: BinaryIO, sink: BinaryIO, label: Label, passphrase: bytes) -> None:
    """Encrypt everything that `source` holds into `sink`."""
    salt = os.urandom(16)
    header = vars(label) | SCRYPT | {"salt": base64.b64encode(salt).decode()}
    lines = FORMAT + json.dumps(header, sort_keys=True).encode() + b"\n"
    cipher = AESGCM(_key(passphrase, salt, **SCRYPT))
    sink.write(lines)
    piece, number = source.read(PIECE), 0
    while True:
        following = source.read(PIECE)
        sealed = cipher.encrypt(_nonce(number, last=not following), piece, lines)
        sink.write(len(sealed).to_bytes(4, "big") + sealed)
        if not following:
            return
        piece, number = following, number + 1


def read_label(source: BinaryIO, name: str) -> Label:
    """What the file says of itself; nothing proves it before it is opened. Raises `UsageError`."""
    return _header(source, name)[0]


def unseal(source: BinaryIO, sink: BinaryIO, name: str, passphrase: bytes) -> Label:
    """Decrypt `source` into `sink`; `name` is for messages.

    Raises `UsageError` when it is no backup, damaged, or of another passphrase. What was written
    into `sink` by then counts only when this returns.
    """
    label, header, lines = _header(source, name)
    cipher = AESGCM(_key(passphrase, base64.b64decode(header["salt"]),
                         n=header["n"], r=header["r"], p=header["p"]))  # fmt: skip
    for number, (sealed, last) in enumerate(_pieces(source, name)):
        try:
            sink.write(cipher.decrypt(_nonce(number, last=last), sealed, lines))
        except InvalidTag:
            if number == 0:
                message = f"{name} does not open: another passphrase, or the file was changed"
                raise UsageError(message, cure="Give the passphrase it was made with.") from None
            raise _damaged(name) from None
    return label


def _header(source: BinaryIO, name: str) -> tuple[Label, dict[str, Any], bytes]:
    first, second = source.readline(len(FORMAT)), source.readline(HEADER_LIMIT)
    if first != FORMAT:
        raise UsageError(f"{name} is no backup of Bob", cure="Give a file made by: bob backup")
    try:
        header = json.loads(second)
        label = Label(header["cluster"], header["cluster_id"], header["made"])
        base64.b64decode(header["salt"], validate=True)
        cost = header["n"]
        sound = isinstance(cost, int) and 2 <= cost <= MOST_SCRYPT_N and not cost & (cost - 1)
        sound = sound and (header["r"], header["p"]) == (8, 1)
    except (ValueError, KeyError, TypeError):
        raise _damaged(name) from None
    if not sound:
        raise _damaged(name)
    return label, header, first + second


def _pieces(source: BinaryIO, name: str) -> Iterator[tuple[bytes, bool]]:
    """The sealed pieces, each with whether it is the last one."""
    length = source.read(4)
    while True:
        size = int.from_bytes(length, "big")
        sealed = source.read(size) if 0 < size <= PIECE + 16 else b""
        if len(length) < 4 or len(sealed) < size or not size:
            raise _damaged(name)
        length = source.read(4)
        yield sealed, not length
        if not length:
            return


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _key(passphrase: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase)


def _damaged(name: str) -> UsageError:
    return UsageError(f"{name} is damaged", cure="Use another copy of it.")
