"""The NEON kernels give the same bits as plain C: compiled for aarch64 and run in an emulator, since few of us sit at such a machine."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ziglang", reason="no compiler for aarch64: the extra 'emulate' is not installed")
unicorn = pytest.importorskip("unicorn", reason="no emulator: the extra 'emulate' is not installed")
elffile = pytest.importorskip("elftools.elf.elffile", reason="the extra 'emulate' is not installed")

CORE = Path(__file__).parent.parent / "src" / "_core"
SOURCES = ("fp_kernel_neon", "fp_kernel_scalar", "fp_sketch", "fp_normalize", "fp_cluster", "fp_grams", "fp_unicode_tables")
BASE, STACK, END = 0x10000000, 0x70000000, 0x60000000
RELATIVE, ABSOLUTE = 1027, (257, 1025, 1026)  # R_AARCH64_RELATIVE; ABS64, GLOB_DAT, JUMP_SLOT


def compiled(folder: Path, neon: Path) -> Path:
    """Compile the check and the core, with the given NEON kernels, to a shared object."""
    sources = [Path(__file__).with_name("neon_check.c"), neon, *(CORE / f"{name}.c" for name in SOURCES[1:])]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-gnu", f"-I{CORE}", "-std=c11", "-O2", "-fno-sanitize=all",
               "-fno-stack-protector", "-fPIC", "-shared", "-fno-builtin", *map(str, sources), "-o", str(folder / "check.so")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder / "check.so"


def differing(path: Path, seeds: range) -> list[int]:
    """Load the object into an emulated processor and call ``check``."""
    processor: Any = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    constants = unicorn.arm64_const
    for address, size in ((BASE, 0x4000000), (STACK, 0x400000), (END, 0x1000)):
        processor.mem_map(address, size)
    with path.open("rb") as file:
        elf: Any = elffile.ELFFile(file)
        symbols = elf.get_section_by_name(".dynsym")
        for segment in elf.iter_segments():
            if segment["p_type"] == "PT_LOAD":
                processor.mem_write(BASE + segment["p_vaddr"], segment.data())
        for section in filter(None, map(elf.get_section_by_name, (".rela.dyn", ".rela.plt"))):
            for entry in section.iter_relocations():
                symbol = symbols.get_symbol(entry["r_info_sym"])
                assert entry["r_info_type"] in (RELATIVE, *ABSOLUTE)
                here = entry["r_info_type"] == RELATIVE or symbol["st_shndx"] != "SHN_UNDEF"  # what is not here is never called
                offset = 0 if entry["r_info_type"] == RELATIVE else symbol["st_value"]
                processor.mem_write(BASE + entry["r_offset"], struct.pack("<Q", BASE + offset + entry["r_addend"] if here else 0))
        start = BASE + next(s["st_value"] for s in symbols.iter_symbols() if s.name == "check")
    found = []
    for seed in seeds:
        for register, value in ((constants.UC_ARM64_REG_SP, STACK + 0x3F0000), (constants.UC_ARM64_REG_X0, seed), (constants.UC_ARM64_REG_X30, END)):
            processor.reg_write(register, value)
        processor.emu_start(start, END)
        found.append(int(processor.reg_read(constants.UC_ARM64_REG_X0)))
    return found


def test_neon_kernels_give_the_bits_of_plain_c(tmp_path: Path) -> None:
    assert differing(compiled(tmp_path, CORE / "fp_kernel_neon.c"), range(12)) == [0] * 12


@pytest.mark.parametrize(("right", "wrong"), [
    ("space << 4", "space << 3"), ("vminq_u32", "vmaxq_u32"), ("vdupq_n_u64(64)", "vdupq_n_u64(300)"), ("0x8040201008040201u", "0x8040201008040202u")])
def test_the_check_sees_what_is_wrong(right: str, wrong: str, tmp_path: Path) -> None:
    source = (CORE / "fp_kernel_neon.c").read_text("utf-8")
    assert right in source
    (tmp_path / "wrong.c").write_text(source.replace(right, wrong), "utf-8")
    assert differing(compiled(tmp_path, tmp_path / "wrong.c"), range(1)) > [0]
