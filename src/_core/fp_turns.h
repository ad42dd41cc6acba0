/* A lock that is taken in the order of asking: who gives it back and asks at once comes after those who wait. */
#ifndef FP_TURNS_H
#define FP_TURNS_H

#include <pthread.h>
#include <stdint.h>

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t next;
    uint64_t n_asked, n_done;
} fp_turns_t;

static inline int fp_turns_init(fp_turns_t *turns) {
    turns->n_asked = turns->n_done = 0;
    if (pthread_mutex_init(&turns->mutex, NULL)) return -1;
    if (!pthread_cond_init(&turns->next, NULL)) return 0;
    pthread_mutex_destroy(&turns->mutex);
    return -1;
}

static inline void fp_turns_free(fp_turns_t *turns) {
    pthread_cond_destroy(&turns->next);
    pthread_mutex_destroy(&turns->mutex);
}

static inline void fp_turns_begin(fp_turns_t *turns) {
    pthread_mutex_lock(&turns->mutex);
    const uint64_t mine = turns->n_asked++;
    while (mine != turns->n_done) pthread_cond_wait(&turns->next, &turns->mutex);
    pthread_mutex_unlock(&turns->mutex);
}

static inline void fp_turns_end(fp_turns_t *turns) {
    pthread_mutex_lock(&turns->mutex);
    if (++turns->n_done != turns->n_asked) pthread_cond_broadcast(&turns->next);
    pthread_mutex_unlock(&turns->mutex);
}

#endif
