/* The system itself, since malloc keeps what is freed between pieces in use, of any size once such a piece was freed. Pages are small ones: huge ones make the
 * index a tenth faster, and a stop of milliseconds each time the system has to clear or to gather one. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "fp_pages.h"

#include <sys/mman.h>

void *fp_pages_map(size_t n_bytes) {
    void *pages = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void fp_pages_unmap(void *pages, size_t n_bytes) {
    if (pages) munmap(pages, n_bytes);
}
