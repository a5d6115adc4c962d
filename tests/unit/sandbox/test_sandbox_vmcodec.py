from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bob.sandbox import vmcodec
from bob.sandbox.vmcodec import COMMAND_END, MESSAGE_END, Decoder


def test_the_greeting_declares_power_reset_and_graceful_shutdown() -> None:
    assert vmcodec.GREETING.hex(" ") == "ff 01 a1 08 23 a1"


def test_a_request_as_it_goes_over_the_wire() -> None:
    assert vmcodec.request(1, 6, 1, b"") == bytes.fromhex("01 18 01 e6 a0")


def test_special_bytes_travel_escaped() -> None:
    assert vmcodec.escape(b"\xa0\xa1\xaa") == bytes.fromhex("aab0 aab1 aaba")


@given(st.binary(min_size=1), st.integers(1, 7))
def test_a_frame_arrives_as_it_was_sent_however_the_stream_is_cut(frame: bytes, step: int) -> None:
    wire = vmcodec.escape(frame) + bytes([COMMAND_END])
    decoder = Decoder()
    pieces = [wire[at : at + step] for at in range(0, len(wire), step)]
    assert [got for piece in pieces for got in decoder.feed(piece)] == [(COMMAND_END, frame)]


def test_commands_and_messages_are_told_apart() -> None:
    frames = list(Decoder().feed(bytes([vmcodec.RESET, COMMAND_END, 1, 2, MESSAGE_END])))
    assert frames == [(COMMAND_END, b"\x04"), (MESSAGE_END, b"\x01\x02")]


def test_a_response_is_taken_only_with_a_good_checksum() -> None:
    good = bytes([5, 0x1C, 1, 0, 0xDE])
    assert vmcodec.response(good) == (5, b"\x00")
    assert vmcodec.response(good[:-1] + b"\xdf") is None
    assert vmcodec.response(b"\x00") is None


def test_watchdog_settings() -> None:
    assert vmcodec.set_watchdog(10, running=True) == bytes.fromhex("44 01 00 10 64 00")
    assert vmcodec.set_watchdog(0, running=False) == bytes.fromhex("04 00 00 10 00 00")
