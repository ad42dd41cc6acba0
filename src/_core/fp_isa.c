/* CPU detection: the only file that knows processors. __builtin_cpu_supports checks cpuid and that the system saves the registers. */
#include "fp_core.h"

#define FP_MAX_KERNELS 4

/* Best first. Cheap enough to ask each time, so there is no cached state to race on. */
static int supported(const fp_kernels_t *found[FP_MAX_KERNELS]) {
    int n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2"))
        found[n++] = &fp_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) found[n++] = &fp_kernels_avx2;
#endif
#if defined(__aarch64__) && defined(__ARM_NEON)
    found[n++] = &fp_kernels_neon;
#endif
    found[n++] = &fp_kernels_scalar;
    return n;
}

const fp_kernels_t *fp_kernels_at(int index) {
    const fp_kernels_t *found[FP_MAX_KERNELS];
    return index < supported(found) ? found[index] : NULL;
}

const fp_kernels_t *fp_kernels_best(void) { return fp_kernels_at(0); }

const fp_kernels_t *fp_kernels_by_name(const char *name) {
    const fp_kernels_t *found[FP_MAX_KERNELS];
    const int n = supported(found);
    for (int i = 0; i < n; i++)
        if (strcmp(found[i]->name, name) == 0) return found[i];
    return NULL;
}
