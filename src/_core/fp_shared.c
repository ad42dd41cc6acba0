/* Shared text: how many prompts, and how many accounts, contain each three words in a row.
 *
 * Design. One hash table of trigrams, filled account by account and prompt by prompt, so that the last prompt and the last account seen with a trigram tell
 * whether it comes again in the same one. The same memory then serves each account in turn for its refrains: trigrams anywhere, and any number of words at
 * either end. Words are keyed hashes: whoever writes prompts can neither make texts collide nor flood a slot. Time O(words), memory 32 bytes a word.
 */
#include "fp_shared.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t ODD[2] = {0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu}; /* as in fingerprint.templates */

typedef struct {
    uint64_t text;
    int32_t n_prompts, n_holders; /* n_prompts == 0: free */
    int32_t prompt, holder;       /* the last that contained it */
} fp_seen_t;

typedef struct {
    const uint64_t *hashes;
    const int64_t *offsets, *order;
    fp_seen_t *table;
    uint64_t n_slots, *texts; /* `texts` and `open` are of the prompts of an account */
    int64_t *open;
} fp_sharing_t;

static uint64_t trigram_at(const uint64_t *h) { return (h[0] * ODD[0] + h[1]) * ODD[1] + h[2]; }

static uint64_t slots_for(int64_t n) { return (uint64_t)n + (uint64_t)n / 3 + 1; }

static void clear(fp_sharing_t *s, int64_t n_texts) {
    s->n_slots = slots_for(n_texts);
    memset(s->table, 0, s->n_slots * sizeof *s->table);
}

static fp_seen_t *find(const fp_sharing_t *s, uint64_t text) {
    uint64_t at = fp_scale64(fp_mix64(text), s->n_slots);
    while (s->table[at].n_prompts && s->table[at].text != text) at = at + 1 < s->n_slots ? at + 1 : 0;
    s->table[at].text = text;
    return &s->table[at];
}

static int64_t n_trigrams(const fp_sharing_t *s, int64_t first, int64_t last) {
    int64_t n = 0;
    for (int64_t j = first; j < last; j++) {
        const int64_t n_words = s->offsets[s->order[j] + 1] - s->offsets[s->order[j]];
        n += n_words > 2 ? n_words - 2 : 0;
    }
    return n;
}

/* Count in how many of the prompts order[first:last] each trigram stands, and of how many accounts they are. */
static void count_trigrams(const fp_sharing_t *s, const int32_t *account, int64_t first, int64_t last) {
    for (int64_t j = first; j < last; j++) {
        const int64_t i = s->order[j];
        for (int64_t at = s->offsets[i]; at + 2 < s->offsets[i + 1]; at++) {
            fp_seen_t *const seen = find(s, trigram_at(s->hashes + at));
            if (!seen->n_prompts || seen->holder != account[i]) seen->n_holders++;
            if (!seen->n_prompts || seen->prompt != (int32_t)i) seen->n_prompts++;
            seen->prompt = (int32_t)i;
            seen->holder = account[i];
        }
    }
}

static void mark_trigrams(const fp_sharing_t *s, int64_t first, int64_t last, int64_t min_prompts, int64_t min_holders, uint8_t *marks) {
    for (int64_t j = first; j < last; j++) {
        const int64_t i = s->order[j];
        for (int64_t at = s->offsets[i]; at + 2 < s->offsets[i + 1]; at++) {
            const fp_seen_t *const seen = find(s, trigram_at(s->hashes + at));
            if (seen->n_prompts >= min_prompts && seen->n_holders >= min_holders) memset(marks + at, 1, 3);
        }
    }
}

/* Mark the words at one end of the prompts order[first:last] as long as `least` of them have the same. */
static void mark_ends(fp_sharing_t *s, int64_t first, int64_t last, int64_t least, int64_t max_refrain, int is_start, uint8_t *marks) {
    int64_t n_open = 0;
    for (int64_t j = first; j < last; j++) {
        s->texts[j - first] = 0;
        s->open[n_open++] = j - first;
    }
    for (int64_t step = 0; step < max_refrain && n_open >= least; step++) {
        int64_t n_long = 0, n_left = 0;
        clear(s, n_open);
        for (int64_t k = 0; k < n_open; k++) {
            const int64_t j = s->open[k], i = s->order[first + j];
            if (s->offsets[i + 1] - s->offsets[i] <= step) continue;
            s->texts[j] = s->texts[j] * ODD[0] + s->hashes[is_start ? s->offsets[i] + step : s->offsets[i + 1] - 1 - step];
            find(s, s->texts[j])->n_prompts++;
            s->open[n_long++] = j;
        }
        for (int64_t k = 0; k < n_long; k++) {
            const int64_t j = s->open[k], i = s->order[first + j];
            if (find(s, s->texts[j])->n_prompts < least) continue;
            marks[is_start ? s->offsets[i] + step : s->offsets[i + 1] - 1 - step] = 1;
            s->open[n_left++] = j;
        }
        n_open = n_left;
    }
}

int fp_shared_words(const uint64_t *hashes, const int64_t *offsets, const int32_t *account, const int64_t *order, int64_t n, fp_shared_limits_t limits,
                    uint8_t *shared, uint8_t *refrain) {
    fp_sharing_t s = {hashes, offsets, order, NULL, 0, NULL, NULL};
    const int64_t n_texts = n_trigrams(&s, 0, n);
    s.table = malloc(slots_for(n_texts > n ? n_texts : n) * sizeof *s.table);
    s.texts = malloc((size_t)(n + 1) * sizeof *s.texts);
    s.open = malloc((size_t)(n + 1) * sizeof *s.open);
    const int status = s.table && s.texts && s.open ? FP_OK : FP_NO_MEMORY;
    if (status == FP_OK) {
        clear(&s, n_texts);
        count_trigrams(&s, account, 0, n);
        mark_trigrams(&s, 0, n, limits.min_prompts, limits.min_holders, shared);
        for (int64_t first = 0, last; first < n; first = last) {
            for (last = first + 1; last < n && account[order[last]] == account[order[first]];) last++;
            const int64_t half = (last - first + 1) / 2, least = half > limits.min_own ? half : limits.min_own;
            if (last - first < least) continue;
            clear(&s, n_trigrams(&s, first, last));
            count_trigrams(&s, account, first, last);
            mark_trigrams(&s, first, last, least, 0, refrain);
            mark_ends(&s, first, last, least, limits.max_refrain, 1, refrain);
            mark_ends(&s, first, last, least, limits.max_refrain, 0, refrain);
        }
    }
    free(s.table);
    free(s.texts);
    free(s.open);
    return status;
}
