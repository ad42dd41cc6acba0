"""Write fp_wordpiece_tables.h: what BERT's uncased normaliser and pre-tokenizer do with each code point.

The tables are read off the ``tokenizers`` library, one code point at a time, and not derived from a Unicode database: the library carries
several Unicode versions at once (categories, decompositions and case come from different crates), and ids must equal its ids. That one code
point at a time is enough rests on two facts, both checked here or in the tests: every step but canonical reordering works on single code points,
and the marks that reordering could move and cleaning keeps are in no BERT vocabulary, so that their word is [UNK] in any order.

Run as ``python src/_core/make_wordpiece_tables.py`` with ``tokenizers`` installed; the header names the version it was made with.
"""

from __future__ import annotations

from pathlib import Path

import tokenizers
from tokenizers import normalizers, pre_tokenizers

KEEP, DROP, SPACE, PUNCT, CJK, HANGUL, FIRST_MAP = range(7)
LAST = 1 << 31  # marks the last code point of a mapping
SHIFT = 7
WIDTH = 146


def probe() -> tuple[list[int], list[int]]:
    """Return the action of every code point and the mapped sequences, laid end to end."""
    normalise = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True).normalize_str
    pre_tokenize = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    simple = {"": DROP, " ": SPACE}
    actions, texts, mapped = [KEEP] * 0x110000, {}, []
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        char = chr(code)
        result = normalise(f"a{char}b")[1:-1]
        if result in simple:
            actions[code] = simple[result]
        elif result == char:
            actions[code] = PUNCT if len(pre_tokenize(f"a{char}b")) == 3 else KEEP
        elif result == f" {char} ":
            actions[code] = CJK
        elif 0xAC00 <= code < 0xD7A4:
            actions[code] = HANGUL  # decomposed by arithmetic
        else:
            mapped.append((code, result))
    sequences: list[int] = []
    for code, result in mapped:
        if result not in texts:
            # Every output is final, and one that stands between spaces is ideographic or a lone word: the spaces stay only where they act.
            codes = [ord(c) for c in (result.strip() if actions[ord(result.strip()[0])] == CJK else result)]
            assert all(actions[c] in (KEEP, PUNCT, SPACE, CJK) for c in codes), hex(code)
            texts[result] = FIRST_MAP + len(sequences)
            sequences += [*codes[:-1], codes[-1] | LAST]
        actions[code] = texts[result]
    assert FIRST_MAP + len(sequences) < 1 << 16
    return actions, sequences


def two_stages(actions: list[int]) -> tuple[list[int], list[int]]:
    """Split the actions into blocks and keep each different block once."""
    size, seen, index, blocks = 1 << SHIFT, {}, [], []
    for start in range(0, len(actions), size):
        block = tuple(actions[start : start + size])
        if block not in seen:
            seen[block] = len(seen)
            blocks += block
        index.append(seen[block])
    return index, blocks


def array(ctype: str, name: str, values: list[int]) -> str:
    """Format one C array, as many values to a line as fit."""
    lines, line = [], ""
    for value in values:
        item = f"{value},"
        if len(line) + len(item) > WIDTH:
            lines.append(line)
            line = ""
        line += item
    return f"static const {ctype} {name}[{len(values)}] = {{\n" + "\n".join([*lines, line]) + "\n};\n"


def main() -> None:
    """Write the header beside this script."""
    actions, sequences = probe()
    index, blocks = two_stages(actions)
    assert max(index) < 1 << 16
    text = f"""/* Made by make_wordpiece_tables.py from tokenizers {tokenizers.__version__}; do not edit.
   Action of a code point c: fp_wp_blocks[fp_wp_index[c >> {SHIFT}] << {SHIFT} | (c & {(1 << SHIFT) - 1})]. */
#ifndef FP_WORDPIECE_TABLES_H
#define FP_WORDPIECE_TABLES_H
#include <stdint.h>

enum {{ FP_WP_KEEP, FP_WP_DROP, FP_WP_SPACE, FP_WP_PUNCT, FP_WP_CJK, FP_WP_HANGUL, FP_WP_FIRST_MAP, FP_WP_SHIFT = {SHIFT} }};

{array("uint16_t", "fp_wp_index", index)}
{array("uint16_t", "fp_wp_blocks", blocks)}
/* Sequences of final code points; the top bit marks the last of each. */
{array("uint32_t", "fp_wp_sequences", sequences)}
#endif
"""
    Path(__file__).with_name("fp_wordpiece_tables.h").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
