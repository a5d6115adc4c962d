"""The SSH key of the robot: ed25519, in OpenSSH's own format.

The library is loaded when a key is made or read: bob-agent has no use for it, and little memory.
"""

from __future__ import annotations

from pydantic import SecretStr


def make() -> SecretStr:
    """A new private key as the text of a key file."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    text = Ed25519PrivateKey.generate().private_bytes(
        form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()
    )
    return SecretStr(text.decode())


def public_line(private: SecretStr, comment: str) -> str:
    """The public half as a line of `authorized_keys`, without the end of the line."""
    from cryptography.hazmat.primitives import serialization as form

    key = form.load_ssh_private_key(private.get_secret_value().encode(), password=None)
    half = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    return f"{half.decode()} {comment}"
