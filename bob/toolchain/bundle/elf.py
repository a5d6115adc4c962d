"""Compiled extensions without what only a debugger reads: 10 of 50 MB."""

from __future__ import annotations

import struct

MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little-endian: x86-64 and ARM-64
SEGMENTS = struct.Struct("<Q")  # at 0x20: where the table of segments begins
SEGMENT_SIZE = struct.Struct("<HH")  # at 0x36: size of its entries, and how many
SEGMENT = struct.Struct("<8xQ16xQ")  # of an entry: place and size in the file
SECTIONS_AT, SECTION_NUMBERS_AT = 0x28, 0x3A


def loaded(content: bytes) -> bytes:
    """The file up to the end of its last segment; anything but an ELF file as it is.

    The loader reads segments only. Behind them lie symbols, debug information and the table of
    sections, which the header must no longer name then.
    """
    if not content.startswith(MAGIC):
        return content
    (table,) = SEGMENTS.unpack_from(content, 0x20)
    size, count = SEGMENT_SIZE.unpack_from(content, 0x36)
    ends = [table + size * count]
    for number in range(count):
        place, length = SEGMENT.unpack_from(content, table + size * number)
        ends.append(place + length)
    kept = bytearray(content[: max(ends)])
    kept[SECTIONS_AT : SECTIONS_AT + 8] = bytes(8)
    kept[SECTION_NUMBERS_AT : SECTION_NUMBERS_AT + 6] = bytes(6)
    return bytes(kept)
