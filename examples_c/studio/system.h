#ifndef STUDIO_SYSTEM_H
#define STUDIO_SYSTEM_H

/* What each operating system does in its own way: system_posix.c, system_windows.c. All texts are UTF-8. */

#include <stdio.h>

#include "text.h"

/* How plugin.json calls this system. */
extern const char system_name[];

/* Before anything else: stdout gives each line away as it comes. The arguments, in UTF-8; they stay. */
char **system_begin(int argc, char **argv);

/* NULL with a reason in `why`. */
void *system_load(const char *path, struct text *why);
/* NULL: there is no such function. */
void *system_function(void *library, const char *name);
void system_unload(void *library);
/* Whether a path is more than a name, which would be searched for in the system's folders. */
int system_has_folder(const char *path);

/* On the monotonic clock. A signal ends the sleep early where it can. */
double system_seconds(void);
void system_sleep_until(double seconds);
/* The first Ctrl-C is the caller's; the second one ends the program. */
void system_catch_signals(void (*on_signal)(int number));

/* As in C. */
FILE *system_open(const char *path, const char *mode);
int system_is_there(const char *path);
/* Puts a file in the place of another one. */
int system_replace(const char *from, const char *to);
int system_remove(const char *path);

#endif
