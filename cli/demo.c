#include "cli/command.h"
enum rsg_exit
rsg_demo_load(const struct rsg_args *a)
{
	(void)a;
	return RSG_EXIT_FAILED;
}
