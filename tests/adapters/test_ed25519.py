"""Ed25519 verification against RFC 8032's own vectors, and against what a lenient verifier would let through."""

from hashlib import sha512

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dramagen.adapters.ed25519 import verify

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493

VECTORS = {
    "TEST 1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "TEST SHA(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
}
"""RFC 8032, section 7.1: public key, message, signature."""

SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
"""Every canonical encoding of a point of order 1, 2, 4 or 8."""


def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
    """The curve's addition as its textbook has it: a second way to compute, for tests alone."""
    d = -121665 * pow(121666, -1, P) % P
    cross = d * p[0] * q[0] * p[1] * q[1] % P
    x = (p[0] * q[1] + p[1] * q[0]) * pow(1 + cross, -1, P) % P
    y = (p[1] * q[1] + p[0] * q[0]) * pow(1 - cross, -1, P) % P
    return x, y


def times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    result = (0, 1)
    for bit in bin(number)[2:]:
        result = add(result, result)
        result = add(result, point) if bit == "1" else result
    return result


BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    4 * pow(5, -1, P) % P,
)


def encoded(point: tuple[int, int]) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def signed(seed: bytes, message: bytes) -> tuple[bytes, bytes]:
    """A public key and a signature, as RFC 8032 makes them."""
    digest = sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    key = encoded(times(secret, BASE))
    nonce = int.from_bytes(sha512(digest[32:] + message).digest(), "little") % L
    commitment = encoded(times(nonce, BASE))
    challenge = int.from_bytes(sha512(commitment + key + message).digest(), "little") % L
    return key, commitment + ((nonce + challenge * secret) % L).to_bytes(32, "little")


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
def test_the_vectors_of_the_standard(vector: tuple[str, str, str]) -> None:
    key, message, signature = map(bytes.fromhex, vector)
    assert verify(key, signature, message)
    assert not verify(key, signature, message + b"\0")


@given(
    seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=80), bit=st.integers(0, 96 * 8 - 1)
)
@settings(max_examples=15, deadline=None)
def test_what_was_signed_passes_and_no_changed_bit_does(seed: bytes, message: bytes, bit: int) -> None:
    key, signature = signed(seed, message)
    assert verify(key, signature, message)
    whole = bytearray(key + signature)
    whole[bit // 8] ^= 1 << bit % 8
    assert not verify(bytes(whole[:32]), bytes(whole[32:]), message)


def test_a_number_written_beyond_the_groups_order_is_refused() -> None:
    key, signature = signed(b"k" * 32, b"a message")
    number = int.from_bytes(signature[32:], "little") + L
    assert not verify(key, signature[:32] + number.to_bytes(32, "little"), b"a message")


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_key_of_small_order_signs_nothing(point: str) -> None:
    key = bytes.fromhex(point)
    # With such a key the zero signature fits about one message in eight, and with order one every message.
    for commitment in {encoded((0, 1)), key}:
        for message in range(16):
            assert not verify(key, commitment + bytes(32), bytes([message]))


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_commitment_of_small_order_is_refused(point: str) -> None:
    seed, message, commitment = b"s" * 32, b"a message", bytes.fromhex(point)
    digest = sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    key = encoded(times(secret, BASE))
    challenge = int.from_bytes(sha512(commitment + key + message).digest(), "little") % L
    assert not verify(key, commitment + (challenge * secret % L).to_bytes(32, "little"), message)


@pytest.mark.parametrize("y", [P, P + 1, 2**255 - 1])
def test_a_coordinate_beyond_the_field_is_refused(y: int) -> None:
    _, signature = signed(b"k" * 32, b"a message")
    assert not verify(y.to_bytes(32, "little"), signature, b"a message")


def test_what_is_no_key_or_no_signature_is_refused() -> None:
    key, signature = signed(b"k" * 32, b"a message")
    for short, wrong in ((key[:-1], signature), (key, signature[:-1]), (key + b"\0", signature), (b"", b"")):
        assert not verify(short, wrong, b"a message")
    off_the_curve = (2).to_bytes(32, "little")
    assert not verify(off_the_curve, signature, b"a message")
