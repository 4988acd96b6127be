/*
 * One integration, as the server's thread does it, in a process that can be
 * killed or refused anything: faults_integrate CONNINFO STATE
 *
 * Ends with 0 when all that waits is in the log, and it is published; with 1
 * when something failed, and the next one has to go on from there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "audit/integrate.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"

int
main(int argc, char **argv)
{
	struct rsg_integrator *g;
	size_t done = 1;
	enum rsg_err e;

	if (argc != 3 || rsg_secret_init(1 << 16) != RSG_OK)
		return 2;
	rsg_log_init("integrate", RSG_LOG_INFO);
	e = rsg_integrate_open(argv[1], argv[2], &g);
	while (e == RSG_OK && done > 0)
		e = rsg_integrate_step(g, &done);
	rsg_integrate_close(g);
	return e == RSG_OK ? 0 : 1;
}
