"""Ten thousand lines with the corners of Unicode and broken UTF-8, the same here and in
Tests/TextTests/TextLines.swift: everything is drawn from the named random streams of philox.py."""
import philox

COUNT = 10_000

WORDS = (
    "the cat sat on a windowsill while revenue fell and fuel prices rose don't we'll I've THE Keys cabinet running "
    "unbelievable antibiotics 2,000 3.14 naïve café Straße coöperate İstanbul ΣΊΣΥΦΟΣ e-mail isn't over—under x² ½ "
    "ＦＵＬＬ ﬁnal"
).split(" ")
BLOCKS = [
    (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F), (0xB80, 0xBFF),
    (0xE00, 0xE7F), (0xF00, 0xFFF), (0x1100, 0x11FF), (0x1680, 0x173F), (0x1880, 0x18AF), (0x1CD0, 0x1CFF),
    (0x1E00, 0x1EFF), (0x1F00, 0x1FFF), (0x2000, 0x206F), (0x2100, 0x218F), (0x2460, 0x24FF), (0x3040, 0x30FF),
    (0x3300, 0x33FF), (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0xA980, 0xA9FF), (0xF900, 0xF9FF), (0xFB00, 0xFB4F),
    (0xFE00, 0xFE2F), (0xFF00, 0xFFEF), (0x11100, 0x111FF), (0x11700, 0x1173F), (0x1D100, 0x1D1FF), (0x1D400, 0x1D4FF),
    (0x1F300, 0x1F6FF), (0x20000, 0x200FF), (0x2F800, 0x2F8FF), (0xE0000, 0xE007F),
]
SPACES = [0x09, 0x0A, 0x0D, 0x20, 0x20, 0x20, 0x85, 0xA0, 0x1680, 0x2003, 0x200B, 0x200D, 0x2028, 0x3000, 0xFEFF, 0x0B]
SPECIAL = [
    "[MASK]", " [SEP]", "[CLS] ", "<mask>", " <mask> ", "</s>", "<|endoftext|>", "'S", "'LL", "'\u017f", "'re", "\u212a",
    "[mask]", "Zebra", "zebra", "zebras", "\u0344", "\u1e9b\u0323", "\u0f77\u0f71", "👩‍👩‍👧‍👦", "🇩🇪", "\u0000", "\ufffd",
]


class Draws:
    """The numbers of a line, one after another."""

    def __init__(self, line):
        self.words = philox.words(4096, 21, "text lines", image=line)
        self.position = 0

    def below(self, bound):
        value = (int(self.words[self.position]) * bound) >> 32
        self.position += 1
        return value


def line(number):
    """The bytes of a line."""
    draws = Draws(number)
    text = b""
    for _ in range(1 + draws.below(16)):
        kind = draws.below(14)
        if kind < 6:
            text += (" " if draws.below(8) else "").encode() + WORDS[draws.below(len(WORDS))].encode()
        elif kind == 6:
            scalar = draws.below(0x110000 - 0x800)
            text += chr(scalar if scalar < 0xD800 else scalar + 0x800).encode()
        elif kind < 9:
            first, last = BLOCKS[draws.below(len(BLOCKS))]
            for _ in range(1 + draws.below(4)):
                text += chr(first + draws.below(last - first + 1)).encode()
        elif kind == 9:
            for _ in range(1 + draws.below(3)):
                text += chr(0x300 + draws.below(0x70)).encode()
        elif kind == 10:
            for _ in range(1 + draws.below(3)):
                text += chr(SPACES[draws.below(len(SPACES))]).encode()
        elif kind == 11:
            for _ in range(1 + draws.below(5)):
                text += chr(0x21 + draws.below(0x5E)).encode()
        elif kind == 12:
            text += SPECIAL[draws.below(len(SPECIAL))].encode()
        else:
            for _ in range(1 + draws.below(3)):
                text += bytes([0x80 + draws.below(0x80)])
    return text


def lines():
    """All lines as text; bytes that are no UTF-8 become U+FFFD, as everywhere in Python and Swift."""
    return [line(number).decode(errors="replace") for number in range(COUNT)]
