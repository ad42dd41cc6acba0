/* NEON kernels: see fp_kernel_vector.inc.h. Every aarch64 processor has them; empty on others. */
#include "fp_core.h"

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>

#define FP_TARGET
#define FP_BYTES 16
#define FP_ACCUMULATORS 16 /* 64 permutations: of 32 registers, beside four lane vectors and four values */
#define FP_ROTLV(x, r) FP_ROTL64(x, r)
#define FP_SLLV64(x, n) ((v64)shift_left((uint64x2_t)(x), (uint64x2_t)(n)))
#define FP_MIN32(a, b) vminq_u32((uint32x4_t)(a), (uint32x4_t)(b))
#define FP_SPREAD(p) vld1q_u8(p)
#define FP_SHUFFLE(x, i) vqtbl1q_u8(x, (uint8x16_t)(i))
#define FP_GATHER(p, i) gather(p, i)
#define FP_ANY(x) (vmaxvq_u32((uint32x4_t)(x)) != 0)

typedef uint64_t v64_pair __attribute__((vector_size(16)));
typedef uint32_t v32_pair __attribute__((vector_size(8)));

/* The instruction looks at one signed byte of the count. */
static inline uint64x2_t shift_left(uint64x2_t x, uint64x2_t n) {
    const uint64x2_t most = vdupq_n_u64(64);
    return vshlq_u64(x, vreinterpretq_s64_u64(vbslq_u64(vcltq_u64(n, most), n, most)));
}

/* There is no gather: two loads. */
static inline v64_pair gather(const uint8_t *p, v32_pair offset) {
    const v64_pair found = {fp_load64(p + offset[0]), fp_load64(p + offset[1])};
    return found;
}
#include "fp_kernel_vector.inc.h"

static inline uint8x16_t in_range_mask(uint8x16_t c, uint8_t low, uint8_t count) { return vcltq_u8(vsubq_u8(c, vdupq_n_u8(low)), vdupq_n_u8(count)); }

/* Four bits for each byte of a mask of 0 and -1, in order: what a processor without movemask has. */
static inline uint64_t nibbles(uint8x16_t mask) { return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(mask), 4)), 0); }

static size_t ascii_run(const uint8_t *in, size_t n, size_t n_readable, uint8_t *out, int after_space) {
    uint64_t carry = after_space ? 0xf : 0;
    for (size_t i = 0; i < n; i += 16) {
        const size_t n_left = n - i;
        uint8_t tail[16] = {0};
        const uint8_t *p = in + i;
        if (n_readable - i < 16) p = memcpy(tail, p, n_left);
        const uint8x16_t c = vld1q_u8(p), control = in_range_mask(c, 9, 5);
        const uint64_t present = n_left < 16 ? ((uint64_t)1 << (4 * n_left)) - 1 : ~(uint64_t)0;
        const uint64_t space = nibbles(vorrq_u8(control, vceqq_u8(c, vdupq_n_u8(' '))));
        const uint64_t stop = ~((nibbles(in_range_mask(c, 0x21, 0x5e)) | (space & ~(space << 4 | carry))) & present);
        const uint8x16_t lifted = vaddq_u8(c, vandq_u8(in_range_mask(c, 'A', 26), vdupq_n_u8(32)));
        vst1q_u8(out + i, vbslq_u8(control, vdupq_n_u8(' '), lifted));
        if (stop) return i + (size_t)__builtin_ctzll(stop) / 4;
        carry = space >> 60;
    }
    return n;
}

/* Byte j of the counters tests bit j of the hash, spread by a shuffle: the mask is -1 where the bit is set. */
static void simhash_add(const uint64_t *hashes, size_t n, uint64_t *counts) {
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    for (size_t first = 0; first < n; first += 255) {
        const size_t last = n - first < 255 ? n : first + 255;
        uint8x16_t sum[4] = {vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0)};
        for (size_t s = first; s < last; s++) {
            const uint8x16_t h = vreinterpretq_u8_u64(vdupq_n_u64(hashes[s]));
            for (int k = 0; k < 4; k++) {
                const uint8x16_t two = vcombine_u8(vdup_n_u8((uint8_t)(2 * k)), vdup_n_u8((uint8_t)(2 * k + 1)));
                sum[k] = vsubq_u8(sum[k], vtstq_u8(vqtbl1q_u8(h, two), bit));
            }
        }
        uint8_t bytes[64];
        for (int k = 0; k < 4; k++) vst1q_u8(bytes + 16 * k, sum[k]);
        for (int j = 0; j < 64; j++) counts[j] += bytes[j];
    }
}

const fp_kernels_t fp_kernels_neon = {"neon", ascii_run, hash_bytes, hash_windows, minhash_update, simhash_add, majority, band_keys, compact, count_equal};
#endif
