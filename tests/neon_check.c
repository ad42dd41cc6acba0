/* Compares the NEON kernels with those in plain C on random input; test_neon.py compiles this for aarch64 and runs it in an emulator, which has no
 * library and no system: what the core calls of them stands below. check() returns the number of results that differ. */
#include "fp_core.h"

typedef const unsigned char *bytes_t;

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    for (size_t i = 0; i < n; i++) ((unsigned char *)to)[i] = ((bytes_t)from)[i];
    return to;
}
void *memset(void *to, int c, size_t n) {
    for (size_t i = 0; i < n; i++) ((unsigned char *)to)[i] = (unsigned char)c;
    return to;
}
int memcmp(const void *a, const void *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (((bytes_t)a)[i] != ((bytes_t)b)[i]) return 1;
    return 0;
}

static uint64_t state;
static uint64_t draw(void) { return fp_mix64(state += 0x9e3779b97f4a7c15u); }
static uint64_t below(uint64_t n) { return draw() % n; }

static const fp_kernels_t *const kernels[2] = {&fp_kernels_neon, &fp_kernels_scalar};
static uint8_t text[8192], bytes[2][8192];
static uint64_t hashes[2][1024], counts[2][64];
static uint32_t starts[2048], values[2][2048];

static int ascii_run(void) {
    static const char pool[] = "abcXYZ 019 \t\n~!\x7f\x1f\x80 e  Q";
    const size_t n = below(210), n_readable = n + (below(3) ? 0 : below(20));
    const uint64_t kind = below(3);
    for (size_t i = 0; i < n; i++)
        text[i] = (uint8_t)(kind == 0 ? (uint64_t)pool[below(sizeof pool - 1)] : kind == 1 ? 33 + below(94) : below(30) ? 'a' + below(26) : ' ');
    const int after_space = (int)below(2);
    size_t length[2];
    for (int k = 0; k < 2; k++) length[k] = kernels[k]->ascii_run(text, n, n_readable, bytes[k], after_space);
    return length[0] != length[1] || memcmp(bytes[0], bytes[1], length[0]) != 0;
}

static int hashing(size_t n, unsigned ngram) {
    const fp_sipkey_t key = {draw(), draw()};
    int n_wrong = 0;
    for (size_t i = 0; i < 2000; i++) text[i] = (uint8_t)draw();
    for (int k = 0; k < 2; k++) kernels[k]->hash_bytes(key, text, n, ngram, hashes[k]);
    n_wrong += memcmp(hashes[0], hashes[1], 8 * n) != 0;
    uint32_t at = 0;
    for (size_t i = 0; i < n + ngram + 16; i++, at += 1 + (uint32_t)below(4)) starts[i] = at;
    for (int k = 0; k < 2; k++) kernels[k]->hash_windows(key, text, starts, n, ngram, hashes[k]);
    return n_wrong + (memcmp(hashes[0], hashes[1], 8 * n) != 0);
}

static int minima(size_t n) {
    uint8_t key[16];
    fp_scheme_t scheme;
    for (size_t i = 0; i < 16; i++) key[i] = (uint8_t)draw();
    fp_scheme_init(&scheme, key, 1 + (int32_t)below(300), 5);
    memset(values, 0xff, sizeof values);
    for (size_t i = 0; i < n; i++) hashes[0][i] = draw();
    for (int k = 0; k < 2; k++) kernels[k]->minhash_update(&scheme, hashes[0], n, values[k]);
    return memcmp(values[0], values[1], 4 * (size_t)scheme.num_perm) != 0;
}

static int sums(size_t n) {
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < n; i++) hashes[0][i] = draw();
    for (int k = 0; k < 2; k++) kernels[k]->simhash_add(hashes[0], n, counts[k]);
    return memcmp(counts[0], counts[1], sizeof counts[0]) != 0 || kernels[0]->majority(counts[0], n) != kernels[1]->majority(counts[1], n);
}

static int agreement(void) {
    for (size_t i = 0; i < 8000; i++)
        for (int k = 0; k < 2; k++) bytes[k][i] = (uint8_t)below(4);
    const int64_t n = (int64_t)below(8000);
    return kernels[0]->count_equal(bytes[0], bytes[1], n) != kernels[1]->count_equal(bytes[0], bytes[1], n);
}

int64_t check(uint64_t seed) {
    int64_t n_wrong = 0;
    state = seed;
    for (int i = 0; i < 60; i++) n_wrong += ascii_run();
    for (int i = 0; i < 30; i++) n_wrong += hashing(1 + below(200), 1 + (unsigned)below(64)) + minima(1 + below(500)) + sums(1 + below(1000)) + agreement();
    return n_wrong;
}
