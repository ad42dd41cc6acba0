/* Memory by the piece, from the system and back to it: what is let go leaves the process, and no piece is ever moved. */
#ifndef FP_PAGES_H
#define FP_PAGES_H

#include <stddef.h>

/* Zeroed pages, or null. */
void *fp_pages_map(size_t n_bytes);
void fp_pages_unmap(void *pages, size_t n_bytes);

#endif
