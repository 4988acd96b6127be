#include <string.h>

#include "audit/merkle.h"
#include "seal/seal.h"

void
rsg_merkle_leaf(const void *data, size_t len, uint8_t out[32])
{
	rsg_sha256((struct rsg_part[]){ { "\x00", 1 }, { data, len } }, 2, out);
}

/*
 * Pairing neighbours level by level, an odd one going up as it is, gives the
 * same tree as splitting at the largest power of two below n.
 */
void
rsg_merkle_root(uint8_t (*leaf)[32], size_t n, uint8_t root[32])
{
	if (n == 0) {
		rsg_sha256(NULL, 0, root);
		return;
	}
	while (n > 1) {
		size_t up = 0;

		for (size_t i = 0; i + 1 < n; i += 2)
			rsg_sha256((struct rsg_part[]){ { "\x01", 1 },
			    { leaf[i], 64 } }, 2, leaf[up++]);
		if (n % 2 == 1)
			memmove(leaf[up++], leaf[n - 1], 32);
		n = up;
	}
	memcpy(root, leaf[0], 32);
}
