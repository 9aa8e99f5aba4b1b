"""From the encoding of an uploaded file to UTF-8, block by block.

Bytes that the codec refuses are kept: byte b becomes the lone surrogate U+DC00 + b. It is written as three bytes that
are not valid UTF-8, so that the scanner names the record, and `original_bytes` gives the byte back.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from tabular.refusals import RecognitionError
from tabular.sentences import Sentence, gettext_noop, with_commas

#: The encodings that an order may declare; each is the name of a Python codec.
DECLARABLE: Final = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp932", "shift_jis",
    "euc_jp", "iso2022_jp", "cp1252", "latin-1", "iso8859-15", "cp1250", "cp1251", "gb18030", "big5", "euc_kr",
)  # fmt: skip
#: Names that Python's codecs do not know, or whose codec is a part of one that we accept.
_ALIASES: Final = {
    "ascii": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "windows-31j": "cp932", "x-sjis": "cp932",
    "x-euc-jp": "euc_jp",
}  # fmt: skip
_BY_CODEC: Final = {codecs.lookup(name).name: name for name in DECLARABLE}
#: UTF-32 first: the mark of UTF-16 is the beginning of its own.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
WIDE: Final = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
UTF8: Final = ("utf-8", "utf-8-sig")
#: A piece becomes at most three times as long in UTF-8.
_PIECE: Final = 256 * 1024
_SKIPS: Final = re.compile("[\udc00-\udcff]+")
#: The bytes of a character in the double-byte mode of ISO-2022-JP. Except for parts of the units of UTF-16 and UTF-32,
#: the codecs refuse such bytes nowhere else.
_PAIR: Final = re.compile(rb"[!-~]{2}")
_DOUBLE_BYTE: Final = re.compile(rb"[!-~]+")
#: Where the double-byte mode ends and begins again behind whole characters, so that it may as well go on.
_SEAM: Final = re.compile(rb"(?<=\x1b\$B)((?:[!-~]{2})*)\x1b\(B\x1b\$B")
#: The error handler of the decoders that keeps the bytes that a codec refuses.
KEEP: Final = "tabular-keep"

EncodingSource = Literal["declared", "bom", "utf-8", "detected"]


@dataclass(frozen=True)
class Encoding:
    """The encoding of a file, a Python codec, and why. `damaged` says that some bytes are not valid in it, `likely`
    that nothing but the look of the text speaks for it.
    """

    name: str
    source: EncodingSource
    reason: Sentence
    damaged: bool = False
    likely: bool = False


def _keep(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    refused = error.object[error.start : error.end]
    if not error.encoding.startswith("utf") and not _PAIR.fullmatch(refused):
        refused = refused[:1]  # the further bytes may be a delimiter or a line break, which must not be lost
    return _kept(refused), error.start + len(refused)


def _kept(refused: bytes) -> str:
    return "".join(chr(0xDC00 + byte) for byte in refused)


codecs.register_error(KEEP, _keep)


def codec_of(name: str) -> str:
    """The encoding that `name`, an IANA name or a Python codec, declares.

    Raises RecognitionError `unknown-encoding`.
    """
    lower = name.strip().lower()
    try:
        found = lower if lower in DECLARABLE else codecs.lookup(_ALIASES.get(lower, lower)).name
    except (LookupError, ValueError):
        found = ""
    found = found if found in DECLARABLE else _BY_CODEC.get(_ALIASES.get(found, found), "")
    if not found:
        text = gettext_noop("The encoding %(name)s is not accepted. Accepted are %(accepted)s.")
        raise RecognitionError("unknown-encoding", Sentence(text, name=ascii(name), accepted=with_commas(DECLARABLE)))
    return found


def marked(head: bytes) -> tuple[str, str] | None:
    """What the byte order mark says: the codec that drops the mark, and the codec without a mark; None without mark."""
    return next(((name, plain) for mark, name, plain in _MARKS if head.startswith(mark)), None)


def zero_bytes(head: bytes) -> str | None:
    """The encoding, without byte order mark, whose pattern of zero bytes the first KiB has: UTF-16 or UTF-32."""
    sample = head[:1024]
    if b"\0" not in sample:
        return None
    zeros = [sample[start::4].count(0) * 4 / len(sample) for start in range(4)]
    if min(zeros[2:]) > 0.9 and zeros[0] < 0.5:
        return "utf-32-le"
    if min(zeros[:2]) > 0.9 and zeros[3] < 0.5:
        return "utf-32-be"
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if odd > 4 * even:
        return "utf-16-le"
    if even > 4 * odd:
        return "utf-16-be"
    return None


def declared(name: str, head: bytes) -> Encoding:
    """The encoding that the order declares, together with the byte order mark.

    Raises RecognitionError `unknown-encoding`, or `encoding-ambiguous` if the mark is that of another encoding.
    """
    codec = codec_of(name)
    mark = marked(head)
    if mark is not None:
        if codec not in mark and not (codec in UTF8 and mark[0] in UTF8):
            text = gettext_noop(
                "The order declares %(codec)s, but the file begins with the byte order mark of %(plain)s. Declare "
                "%(marked)s, or nothing."
            )
            facts = {"codec": codec, "plain": mark[1], "marked": mark[0]}
            raise RecognitionError("encoding-ambiguous", Sentence(text, **facts))
        text = gettext_noop("The order declares %(codec)s, and the file has the byte order mark of %(plain)s.")
        return Encoding(mark[0], "declared", Sentence(text, codec=codec, plain=mark[1]))
    if codec in ("utf-16", "utf-32"):
        order = zero_bytes(head)
        plain = order if order and order.startswith(codec) else f"{codec}-le"
        text = gettext_noop(
            "The order declares %(codec)s, and the file, which has no byte order mark, is read as %(plain)s."
        )
        return Encoding(plain, "declared", Sentence(text, codec=codec, plain=plain))
    reason = Sentence(gettext_noop("The order declares %(codec)s."), codec=codec)
    return Encoding("utf-8" if codec == "utf-8-sig" else codec, "declared", reason)


def settle_shift_jis(chosen: Encoding, blocks: Iterable[bytes]) -> Encoding:
    """Read a file declared as Shift_JIS as cp932, its superset, if it has characters that only cp932 has."""
    if chosen.name != "shift_jis" or decodes(blocks, "shift_jis"):
        return chosen
    text = gettext_noop(
        "The order declares shift_jis, and the file is read as cp932, Windows' superset of it, because it has bytes "
        "that shift_jis lacks."
    )
    return replace(chosen, name="cp932", reason=Sentence(text))


def decodes(blocks: Iterable[bytes], encoding: str) -> bool:
    """Whether the whole file is valid in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def decode_head(head: bytes, encoding: str, *, complete: bool) -> str:
    """The beginning of a file as text, without its byte order mark; a character cut in two at the end is left out."""
    decoder = codecs.getincrementaldecoder(encoding)(KEEP)
    return decoder.decode(head) + (_end(decoder, encoding) if complete else "")


def utf8_length(text: str, encoding: str) -> int:
    """How many bytes `text`, decoded by `decode_head`, has in the stream of UTF-8."""
    if encoding in UTF8:
        return len(text.encode("utf-8", "surrogateescape")) + (len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0)
    return len(text.encode("utf-8", "surrogatepass"))


def utf8_stream(blocks: Iterable[bytes], encoding: str, *, skip: int) -> Iterator[bytes]:
    """The file as UTF-8 without its first `skip` bytes, in blocks of at most 1 MiB if those given are."""
    for block in blocks if encoding in UTF8 else _transcoded(blocks, encoding):
        if skip < len(block):
            yield block[skip:] if skip else block
        skip = max(0, skip - len(block))


def _transcoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(KEEP)
    ascii_stays = keeps_ascii(encoding)
    for block in blocks:
        for start in range(0, len(block), _PIECE):
            piece = block[start : start + _PIECE]
            if ascii_stays and piece.isascii() and not decoder.getstate()[0]:
                yield piece
            else:
                yield decoder.decode(piece).encode("utf-8", "surrogatepass")
    yield _end(decoder, encoding).encode("utf-8", "surrogatepass")


def _end(decoder: codecs.IncrementalDecoder, encoding: str) -> str:
    """What the decoder still holds: the beginning of a character that the end of the file cuts off.

    Python's decoders would take all of it for one character, although there may be line breaks in it.
    """
    text, rest = "", decoder.getstate()[0]
    while rest:
        length = len(rest) if encoding.startswith("utf") else 1
        fresh = codecs.getincrementaldecoder(encoding)(KEEP)
        text += _kept(rest[:length]) + fresh.decode(rest[length:])
        rest = fresh.getstate()[0]
    return text


def keeps_ascii(encoding: str) -> bool:
    """Whether bytes of ASCII are the same text in this encoding."""
    ascii_bytes = bytes(range(128))
    return encoding != "iso2022_jp" and ascii_bytes.decode(encoding, "replace") == ascii_bytes.decode()


def original_bytes(raw: bytes, encoding: str) -> bytes:
    """`raw`, a piece of `utf8_stream`, in the encoding of the file again, with the bytes that the codec refused.

    UTF-16 and UTF-32 with a byte order mark become little-endian; a character of which cp932 has several codes gets the
    one that Windows writes. ISO-2022-JP gets the escape sequences that Python's codec writes: each run of characters of
    two bytes, and of refused bytes that may be some, has its own, and none continues behind it. If the file has others,
    this is the same text, but it may be longer or shorter. A unit of UTF-16 or UTF-32 that the end of the file cuts off
    becomes whole ones that are not valid, so that more text may follow.
    """
    if encoding in UTF8:
        return raw
    codec = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)
    text = raw.decode("utf-8", "surrogatepass")
    parts, start = [], 0
    for skip in _SKIPS.finditer(text):
        parts += [text[start : skip.start()].encode(codec), _refused(skip[0], codec)]
        start = skip.end()
    found = b"".join([*parts, text[start:].encode(codec)])
    return _SEAM.sub(rb"\1", found) if parts and codec == "iso2022_jp" else found


def _refused(kept: str, codec: str) -> bytes:
    """The bytes that were kept, in a form in which they are refused wherever they stand, and what follows is read."""
    refused = bytes(ord(one) - 0xDC00 for one in kept)
    if codec == "iso2022_jp":  # it refuses bytes of ASCII in double-byte mode; elsewhere they could be a delimiter
        return _DOUBLE_BYTE.sub(b"\x1b$B\\g<0>\x1b(B", refused)
    if len(refused) % len("a".encode(codec)):
        return kept.encode(codec, "surrogatepass")
    return refused


def text_of(raw: bytes, encoding: str) -> str:
    """The text of a piece of the UTF-8 stream. A byte that is not valid in `encoding` is a lone surrogate."""
    return raw.decode("utf-8", "surrogateescape" if encoding in UTF8 else "surrogatepass")


def bytes_of(text: str, encoding: str) -> bytes:
    """The bytes of the file that `text_of` made `text` of, without a byte order mark.

    Raises UnicodeEncodeError for a character that the encoding lacks.
    """
    if encoding in UTF8:
        return text.encode("utf-8", "surrogateescape")
    return original_bytes(text.encode("utf-8", "surrogatepass"), encoding)
