"""Frame rates as exact numbers."""

from fractions import Fraction

NTSC = Fraction(1000, 1001)


def exact_rate(fps: float | Fraction) -> Fraction:
    """The exact rate a measured one stands for: 23.976 is 24000/1001, 24.0 is 24.

    Raises:
        ValueError: it is not positive.
    """
    if fps <= 0:
        raise ValueError(f"a frame rate is positive, not {fps}")
    whole = Fraction(round(fps))
    for known in (whole, whole * NTSC):
        if known and abs(float(known) - float(fps)) < 0.002:
            return known
    return Fraction(fps).limit_denominator(1001)
