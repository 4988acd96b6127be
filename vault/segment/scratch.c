#include "segment/scratch.h"

#include <sys/mman.h>

#include "resguardo/secret.h"

void *
rsg_scratch_new(size_t bytes)
{
	void *p;

	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, bytes, MADV_DONTDUMP) != 0 ||
	    madvise(p, bytes, MADV_WIPEONFORK) != 0) {
		(void)munmap(p, bytes);
		return NULL;
	}
	return p;
}

void
rsg_scratch_free(void *p, size_t bytes, size_t used)
{
	if (p == NULL)
		return;
	rsg_secret_wipe(p, used);
	(void)munmap(p, bytes);
}
