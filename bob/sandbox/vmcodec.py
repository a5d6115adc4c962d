"""The protocol between a BMC (ipmi_sim) and its mainboard, as QEMU speaks it; pure.

A stream of frames in both directions. A frame is an IPMI message ended by A0 or a command ended by
A1; those two bytes and the escape byte AA travel escaped. Sources: lanserv/serial_ipmi.c (codec
"VM") of OpenIPMI, hw/ipmi/ipmi_bmc_extern.c of QEMU.
"""

from __future__ import annotations

from collections.abc import Iterator

MESSAGE_END, COMMAND_END, ESCAPE = 0xA0, 0xA1, 0xAA

# Commands of the BMC. It knows more (attention, interrupts, NMI); a mainboard may ignore those.
POWER_OFF, RESET, SHUTDOWN = 0x03, 0x04, 0x09

_VERSION, _CAPABILITIES = 0xFF, 0x08
_CAN_POWER, _CAN_RESET, _CAN_SHUTDOWN = 0x01, 0x02, 0x20
GREETING = bytes((
    _VERSION, 1, COMMAND_END,
    _CAPABILITIES, _CAN_POWER | _CAN_RESET | _CAN_SHUTDOWN, COMMAND_END,
))  # fmt: skip


class Decoder:
    """Cuts the byte stream into frames; keeps an incomplete frame for the next bytes."""

    def __init__(self) -> None:
        self._frame = bytearray()
        self._escaped = False

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (MESSAGE_END | COMMAND_END, frame) for each frame completed by `data`."""
        for byte in data:
            if byte in (MESSAGE_END, COMMAND_END):
                frame, self._frame = bytes(self._frame), bytearray()
                yield byte, frame
            elif byte == ESCAPE:
                self._escaped = True
            else:
                self._frame.append(byte & ~0x10 if self._escaped else byte)
                self._escaped = False


def request(sequence: int, netfn: int, command: int, data: bytes) -> bytes:
    """An in-band IPMI request, ready to send."""
    message = bytes((sequence, netfn << 2, command)) + data
    checked = message + bytes((-sum(message) & 0xFF,))
    return escape(checked) + bytes((MESSAGE_END,))


def response(frame: bytes) -> tuple[int, bytes] | None:
    """(sequence, completion code + data) of a message frame; None when its checksum is wrong."""
    if len(frame) < 5 or sum(frame) & 0xFF:
        return None
    return frame[0], frame[3:-1]


def escape(data: bytes) -> bytes:
    """Hide the three special bytes."""
    out = bytearray()
    for byte in data:
        if byte in (MESSAGE_END, COMMAND_END, ESCAPE):
            out += bytes((ESCAPE, byte | 0x10))
        else:
            out.append(byte)
    return bytes(out)


def set_watchdog(seconds: float, *, running: bool) -> bytes:
    """Data of Set Watchdog Timer (IPMI 2.0, 27.6): use SMS/OS; action hard reset, or none."""
    ticks = round(seconds * 10)
    use = 0x44 if running else 0x04  # 0x40: do not stop the timer
    return bytes((use, 0x01 if running else 0x00, 0, 0x10)) + ticks.to_bytes(2, "little")
