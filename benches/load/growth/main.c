/*
 * Growth: what an event costs when there is more of something, and whether memory stays within its bounds.
 *
 *     growth PORT [TABLE...]
 *
 * A host of the plugin against the load server. Prints Markdown tables and ends with 1 if an event was lost, doubled, out
 * of order or wrong, or if a bound is broken. The bounds are wide: they are for what grows with the number of things, not
 * for a slow machine.
 */
#include "growth.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <signal.h>

/* Longer than the longest row by far; a row that hangs ends by it. */
#define ROW_SECONDS 180
/* A machine that does other things as well makes one row up to so much dearer than the other. */
#define FLAT_TIMES 4
#define FLAT_NS 200

int server_port;

/* Rows run in other processes: these are in memory that they share. */
static struct shared {
    int failed, broken;
    struct row row;
} *shared;

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("growth: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    /* Not exit(): what the parent has yet to print is in the buffers of this process, too. */
    _exit(1);
}

void bound(bool holds, const char *format, ...)
{
    va_list arguments;
    if (holds)
        return;
    va_start(arguments, format);
    fputs("growth: a bound is broken: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    shared->broken++;
}

bool flat(double cost, double other)
{
    return other <= 0 || cost <= FLAT_TIMES * other + FLAT_NS;
}

bool run_row(void (*run)(struct row *, long), long argument, struct row *row)
{
    int status = 0;
    pid_t child;
    fflush(stdout);
    memset(&shared->row, 0, sizeof shared->row);
    child = fork();
    if (child < 0)
        fail("no process for a row");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(ROW_SECONDS);
        run(&shared->row, argument);
        _exit(0);
    }
    waitpid(child, &status, 0);
    *row = shared->row;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFSIGNALED(status))
        fprintf(stderr, "growth: a row ended by signal %d%s\n", WTERMSIG(status),
                WTERMSIG(status) == SIGALRM ? ": it did not come to its end" : "");
    printf("| this row failed |\n");
    shared->failed++;
    return false;
}

static const struct {
    const char *name;
    void (*print)(void);
} tables[] = {
    {"connections", connections_table}, {"sizes", sizes_table}, {"subscriptions", subscriptions_table},
    {"full", full_table},               {"seldom", seldom_table},
};

int main(int count, char **arguments)
{
    size_t i;
    int j;
    struct rlimit files;
    if (count < 2 || (server_port = atoi(arguments[1])) <= 0) {
        fprintf(stderr, "growth PORT [connections|sizes|subscriptions|full|seldom]...\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    for (i = 0; i < sizeof tables / sizeof *tables; i++) {
        bool wanted = count == 2;
        for (j = 2; j < count; j++)
            wanted |= strcmp(arguments[j], tables[i].name) == 0;
        if (wanted)
            tables[i].print();
    }
    fflush(stdout);
    return shared->failed || shared->broken ? 1 : 0;
}
