"""What kind of file some bytes are, by how they begin; what a name or a server says of them is not asked."""

_MP3 = tuple(bytes((0xFF, second)) for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2))
_AAC = (b"\xff\xf1", b"\xff\xf9")


def media_type(data: bytes) -> str | None:
    """The media type of a video or a sound, None where it is neither. Only its first bytes are looked at."""
    if data[4:8] == b"ftyp":
        return {b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}.get(
            data[8:12], "video/mp4"
        )
    if data[4:8] in (b"moov", b"mdat", b"wide", b"free") and data[:4] != b"RIFF":
        return "video/quicktime"  # from before there were brands
    if data.startswith(b"RIFF"):
        return {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(data[8:12])
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in data[:64] else "video/x-matroska"
    if data.startswith(b"ID3") or data.startswith(_MP3):
        return "audio/mp3"
    if data.startswith(_AAC):
        return "audio/aac"
    return {b"OggS": "audio/ogg", b"fLaC": "audio/flac"}.get(data[:4])
