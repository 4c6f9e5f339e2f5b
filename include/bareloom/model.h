/*
 * <bareloom/model.h> - the threading models: what a goroutine is to the machine.
 *
 *      m-n     many goroutines on all cores, switched by calls: Go. The machine begins with it
 *      1-1     each is what a kernel's thread is: JVM, C, Rust
 *      n-1     all on one core, each until it waits: Node
 *
 * The word model=NAME on the command line or at a console takes another one. docs/MODELS.md tells what each does, what
 * it costs, and where the likeness ends.
 */
#pragma once

#include <bareloom/base.h>

/* The model of this name from now on; goroutines that there are go on in it. 0, or -EINVAL: there is no such model, or
 * it is none of this machine's. From a G, which may go on on another core.
 *
 * Under 1-1 and n-1 the policy is the model's (go_set_policy() is -EINVAL); back under m-n it is the one that
 * was. Under n-1 go_num_cores() is 1; nobody calls go_set_cores() while that model begins. */
int go_set_model(const char *name);

/* The name of the one that there is. */
const char *go_model(void);

/* The name of the ith, from 0 on, and what it does; NULL: there are no more. */
const char *go_models(unsigned i, const char **does);
