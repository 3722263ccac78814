/* An allocation fails, one in each session: a call may say SOCKETIO_E_RESOURCES, the session may end; nothing may
   crash, hang, or stay broken. SOCKETIO_TEST_SWEEP=all tries each allocation of a session, not only some. */

#include "misuse_memory.h"

#include <sys/wait.h>
#include <unistd.h>

/* One session in a process of its own, in which that allocation fails. Tells whether there was one. */
static int session_without(int whose, long number)
{
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(PATIENCE_MS / 1000 * 2);
        is_host = 1;
        arm(whose, number, 0);
        activate(settings);
        converse();
        end_session();
        disarm();
        /* As good as new. */
        activate(settings);
        converse();
        end_session();
        _exit(failed ? 0 : 100);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 100)) {
        printf("without allocation %ld of %s: %s %d\n", number,
               whose == OF_HOST ? "the host's calls" : "the library's threads",
               WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        return -1;
    }
    return WEXITSTATUS(status) == 0;
}

static void sweep(int whose, int dense, int step)
{
    if (UNDER_SANITIZER) {
        skip("a sanitizer has allocations of its own");
    }
    server_t *server = server_start(NULL);
    write_settings(server);
    plugin_load();
    set_payload(1000);
    const char *all = getenv("SOCKETIO_TEST_SWEEP");
    if (all != NULL && strcmp(all, "all") == 0) {
        step = 1;
    }
    int broken = 0;
    int tried = 0;
    int beyond = 0;
    /* Not each session has the same number of them: a few without are the end. */
    for (long number = 1; beyond < 3 && broken < 20; number += number < dense ? 1 : step) {
        int result = session_without(whose, number);
        tried++;
        broken += result < 0;
        beyond = result == 0 ? beyond + 1 : 0;
    }
    if (broken > 0) {
        FAIL("%d of %d sessions did not survive", broken, tried);
    }
    CHECK(tried > 20);
}

static void an_allocation_of_a_call_fails(void)
{
    sweep(OF_HOST, 40, 3);
}

static void an_allocation_of_a_thread_fails(void)
{
    sweep(OF_LIBRARY, 20, 29);
}

TEST_MAIN(
    CASE(an_allocation_of_a_call_fails),
    CASE(an_allocation_of_a_thread_fails))
