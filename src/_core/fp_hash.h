/* SipHash and the one mixer, scalar. Aumasson and Bernstein 2012; 1-3 is the variant that Rust and CPython use for hash tables. */
#ifndef FP_HASH_H
#define FP_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    uint64_t k0, k1;
} fp_sipkey_t;

#define FP_SIP0 0x736f6d6570736575u /* "somepseudorandomlygeneratedbytes" */
#define FP_SIP1 0x646f72616e646f6du
#define FP_SIP2 0x6c7967656e657261u
#define FP_SIP3 0x7465646279746573u

#define FP_ROTL64(x, r) (((x) << (r)) | ((x) >> (64 - (r))))

/* Works on scalars and, given a vector rotate, on vectors: the one statement of the round. */
#define FP_SIPROUND_WITH(ROTL, v0, v1, v2, v3) \
    do {                                       \
        v0 += v1;                              \
        v2 += v3;                              \
        v1 = ROTL(v1, 13);                     \
        v3 = ROTL(v3, 16);                     \
        v1 ^= v0;                              \
        v3 ^= v2;                              \
        v0 = ROTL(v0, 32);                     \
        v2 += v1;                              \
        v0 += v3;                              \
        v1 = ROTL(v1, 17);                     \
        v3 = ROTL(v3, 21);                     \
        v1 ^= v2;                              \
        v3 ^= v0;                              \
        v2 = ROTL(v2, 32);                     \
    } while (0)
#define FP_SIPROUND(v0, v1, v2, v3) FP_SIPROUND_WITH(FP_ROTL64, v0, v1, v2, v3)

static inline uint64_t fp_load64(const uint8_t *p) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t x = 0;
    for (int i = 7; i >= 0; i--) x = x << 8 | p[i];
#else
    uint64_t x;
    memcpy(&x, p, sizeof x);
#endif
    return x;
}

/* Final block of a message: its last n_bytes % 8 bytes, and n_bytes mod 256 on top. Never reads past the message. */
static inline uint64_t fp_sip_last_block(const uint8_t *tail, size_t n_bytes) {
    uint64_t block = (uint64_t)n_bytes << 56;
    for (size_t i = 0; i < (n_bytes & 7); i++) block |= (uint64_t)tail[i] << (8 * i);
    return block;
}

static inline uint64_t fp_siphash(fp_sipkey_t key, const uint8_t *data, size_t n_bytes, int n_compress, int n_final) {
    uint64_t v0 = key.k0 ^ FP_SIP0, v1 = key.k1 ^ FP_SIP1, v2 = key.k0 ^ FP_SIP2, v3 = key.k1 ^ FP_SIP3;
    const size_t n_whole = n_bytes & ~(size_t)7;
    for (size_t i = 0; i <= n_whole; i += 8) {
        const uint64_t block = i < n_whole ? fp_load64(data + i) : fp_sip_last_block(data + i, n_bytes);
        v3 ^= block;
        for (int r = 0; r < n_compress; r++) FP_SIPROUND(v0, v1, v2, v3);
        v0 ^= block;
    }
    v2 ^= 0xff;
    for (int r = 0; r < n_final; r++) FP_SIPROUND(v0, v1, v2, v3);
    return v0 ^ v1 ^ v2 ^ v3;
}

static inline uint64_t fp_siphash13(fp_sipkey_t key, const uint8_t *data, size_t n_bytes) { return fp_siphash(key, data, n_bytes, 1, 3); }

static inline uint64_t fp_siphash24(fp_sipkey_t key, const uint8_t *data, size_t n_bytes) { return fp_siphash(key, data, n_bytes, 2, 4); }

/* Stafford's variant 13 of the MurmurHash3 finaliser, a bijection; not keyed: its inputs already depend on the key. */
static inline uint64_t fp_mix64(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

__extension__ typedef unsigned __int128 fp_uint128_t;

/* The high half of x * n: a uniform x to a uniform number below n, without a division. */
static inline uint64_t fp_scale64(uint64_t x, uint64_t n) { return (uint64_t)(((fp_uint128_t)x * n) >> 64); }

#endif
