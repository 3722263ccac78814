/* The operating system, where it is Windows: the real one, or Wine. What the library asks the machine goes through the
   table of its imports, in which some functions are replaced by ours. Servers are started by broker.js, since a process
   under Wine has no pipes to one outside. */

#include "harness_parts.h"
#include "harness_sockets.h"

#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <psapi.h>
#include <stdlib.h>
#include <tlhelp32.h>

/* ---- Text ---- */

enum { MOST_PATH = 1024 };

static wchar_t *wide(const char *text, wchar_t *buffer, size_t size)
{
    if (MultiByteToWideChar(CP_UTF8, 0, text, -1, buffer, (int)size) == 0) {
        FAIL("too long, or no UTF-8: %s", text);
    }
    return buffer;
}

static void narrow(const wchar_t *text, char *buffer, size_t size)
{
    CHECK(WideCharToMultiByte(CP_UTF8, 0, text, -1, buffer, (int)size, NULL, NULL) > 0);
}

/* Functions have no type in common with what GetProcAddress and the table of imports have. */
#define COPY_FUNCTION(to, from) memcpy(&(to), &(from), sizeof(to))

/* Before anything else that has to do with sockets. */
__attribute__((constructor)) static void sockets_begin(void)
{
    WSADATA data;
    CHECK(WSAStartup(MAKEWORD(2, 2), &data) == 0);
}

void system_begin(void)
{
    /* Lines end as everywhere. */
    _setmode(_fileno(stdout), _O_BINARY);
    /* A crash ends the process; nobody is there to press a button. */
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
}

/* ---- What the library asks the machine ---- */

static void WINAPI bent_clock(FILETIME *time)
{
    GetSystemTimePreciseAsFileTime(time);
    ULARGE_INTEGER ticks = {.LowPart = time->dwLowDateTime, .HighPart = time->dwHighDateTime};
    ticks.QuadPart += (ULONGLONG)(clock_is_off() * 10000000);
    time->dwLowDateTime = ticks.LowPart;
    time->dwHighDateTime = ticks.HighPart;
}

/* Unlike the monotonic clock of Linux, it goes on while the machine sleeps. */
static BOOL WINAPI bent_counter(LARGE_INTEGER *count)
{
    LARGE_INTEGER frequency;
    QueryPerformanceFrequency(&frequency);
    BOOL result = QueryPerformanceCounter(count);
    count->QuadPart += clock_has_slept() * frequency.QuadPart;
    return result;
}

static int WSAAPI replaced_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                                       struct addrinfo **result)
{
    return bent_getaddrinfo(node, service, hints, result);
}

static int to_system_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                                 struct addrinfo **result)
{
    return getaddrinfo(node, service, hints, result);
}

getaddrinfo_t *system_getaddrinfo(void)
{
    return to_system_getaddrinfo;
}

/* Ours instead of an imported function; NULL: that one stays. */
static const void *replacement(const char *name)
{
    static void(WINAPI *const clock)(FILETIME *) = bent_clock;
    static BOOL(WINAPI *const counter)(LARGE_INTEGER *) = bent_counter;
    static int(WSAAPI *const resolver)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        replaced_getaddrinfo;
    const void *const found = strcmp(name, "GetSystemTimePreciseAsFileTime") == 0 ? (const void *)&clock
                              : strcmp(name, "QueryPerformanceCounter") == 0      ? (const void *)&counter
                              : strcmp(name, "getaddrinfo") == 0                  ? (const void *)&resolver
                                                                                  : NULL;
    return found;
}

/* The table of imports: for each library a list of names, and beside it one of addresses. Ordinals have no name. */
static void bend_imports(void *library)
{
    char *base = library;
    const IMAGE_DOS_HEADER *dos = library;
    const IMAGE_NT_HEADERS *head = (const void *)(base + dos->e_lfanew);
    const IMAGE_DATA_DIRECTORY *at = &head->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
    const IMAGE_IMPORT_DESCRIPTOR *imported = (const void *)(base + at->VirtualAddress);
    for (; imported->Name != 0; imported++) {
        const IMAGE_THUNK_DATA *name = (const void *)(base + imported->OriginalFirstThunk);
        IMAGE_THUNK_DATA *address = (void *)(base + imported->FirstThunk);
        for (; name->u1.AddressOfData != 0; name++, address++) {
            const IMAGE_IMPORT_BY_NAME *by_name = (const void *)(base + name->u1.AddressOfData);
            const void *ours = IMAGE_SNAP_BY_ORDINAL(name->u1.Ordinal) ? NULL : replacement(by_name->Name);
            DWORD protection;
            if (ours != NULL) {
                CHECK(VirtualProtect(address, sizeof *address, PAGE_READWRITE, &protection));
                memcpy(&address->u1.Function, ours, sizeof address->u1.Function);
                CHECK(VirtualProtect(address, sizeof *address, protection, &protection));
            }
        }
    }
}

const char *environment(const char *name)
{
    static struct { char name[48]; char value[MOST_PATH]; } known[16];
    wchar_t wide_name[48];
    wchar_t value[MOST_PATH];
    DWORD len = GetEnvironmentVariableW(wide(name, wide_name, COUNT(wide_name)), value, COUNT(value));
    CHECK(len < COUNT(value));
    if (len == 0) {
        return NULL;
    }
    size_t i = 0;
    while (i < COUNT(known) - 1 && known[i].name[0] != 0 && strcmp(known[i].name, name) != 0) {
        i++;
    }
    snprintf(known[i].name, sizeof known[i].name, "%s", name);
    narrow(value, known[i].value, sizeof known[i].value);
    return known[i].value;
}

void set_environment(const char *name, const char *value)
{
    wchar_t wide_name[48];
    wchar_t wide_value[MOST_PATH];
    wide(name, wide_name, COUNT(wide_name));
    if (value != NULL) {
        /* What is no UTF-8 becomes what is no UTF-16: half of a pair. */
        for (wchar_t *at = wide(value, wide_value, COUNT(wide_value)); *at != 0; at++) {
            *at = *at == 0xfffd ? 0xdcff : *at;
        }
        CHECK(SetEnvironmentVariableW(wide_name, wide_value));
    } else {
        CHECK(SetEnvironmentVariableW(wide_name, NULL) || GetLastError() == ERROR_ENVVAR_NOT_FOUND);
    }
}

/* ---- The library ---- */

void *library_open(const char *path, int is_global)
{
    (void)is_global;
    wchar_t name[MOST_PATH];
    wide(path, name, COUNT(name));
    /* This one function does not take slashes. */
    for (wchar_t *at = name; *at != 0; at++) {
        *at = *at == L'/' ? L'\\' : *at;
    }
    HMODULE library = LoadLibraryW(name);
    if (library == NULL) {
        FAIL("%s can't be loaded: error %lu", path, GetLastError());
    }
    bend_imports(library);
    return library;
}

void *library_symbol(void *library, const char *name)
{
    void *symbol = NULL;
    FARPROC found = GetProcAddress(library, name);
    if (found == NULL) {
        FAIL("the library does not export %s", name);
    }
    COPY_FUNCTION(symbol, found);
    return symbol;
}

void library_close(void *library)
{
    CHECK(FreeLibrary(library));
}

int wait_handle(const socketio_wake_handle_t *handle, int milliseconds)
{
    CHECK_INT(handle->kind, SOCKETIO_WAKE_WIN32_EVENT);
    DWORD result = WaitForSingleObject((HANDLE)(intptr_t)handle->value, (DWORD)milliseconds);
    CHECK(result == WAIT_OBJECT_0 || result == WAIT_TIMEOUT);
    return result == WAIT_OBJECT_0;
}

/* ---- Files ---- */

void make_temporary_folder(char *path, size_t size)
{
    wchar_t folder[MOST_PATH];
    wchar_t name[MOST_PATH + 64];
    CHECK(GetTempPathW(COUNT(folder), folder) > 0);
    _snwprintf(name, COUNT(name), L"%lssocketio-test-%lu-%lu", folder, GetCurrentProcessId(), GetTickCount());
    CHECK(CreateDirectoryW(name, NULL));
    narrow(name, path, size);
    /* It goes into JSON as it is. */
    for (; *path != 0; path++) {
        *path = *path == '\\' ? '/' : *path;
    }
}

FILE *file_open(const char *path, const char *mode)
{
    wchar_t name[MOST_PATH];
    wchar_t wide_mode[8];
    return _wfopen(wide(path, name, COUNT(name)), wide(mode, wide_mode, COUNT(wide_mode)));
}

void remove_folder(const char *path)
{
    wchar_t name[MOST_PATH];
    /* A library that is loaded can't go. */
    CHECK(RemoveDirectoryW(wide(path, name, COUNT(name))) || GetLastError() == ERROR_DIR_NOT_EMPTY);
}

void remove_file(const char *path)
{
    wchar_t name[MOST_PATH];
    DeleteFileW(wide(path, name, COUNT(name)));
}

void rename_over(const char *from, const char *to)
{
    wchar_t old[MOST_PATH];
    wchar_t new[MOST_PATH];
    /* Whoever reads the file right now has it open. */
    AWAIT(MoveFileExW(wide(from, old, COUNT(old)), wide(to, new, COUNT(new)), MOVEFILE_REPLACE_EXISTING));
}

/* ---- Measures ---- */

int64_t now_ms(void)
{
    LARGE_INTEGER count;
    LARGE_INTEGER frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return count.QuadPart / frequency.QuadPart * 1000
           + count.QuadPart % frequency.QuadPart * 1000 / frequency.QuadPart;
}

void sleep_ms(int milliseconds)
{
    Sleep((DWORD)milliseconds);
}

/* The system keeps threads of its own in each process: they begin in ntdll. */
static int is_of_the_system(DWORD id)
{
    typedef LONG NTAPI query_t(HANDLE thread, int what, void *result, ULONG size, ULONG *len);
    static query_t *query;
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    if (query == NULL) {
        FARPROC found = GetProcAddress(ntdll, "NtQueryInformationThread");
        CHECK(found != NULL);
        COPY_FUNCTION(query, found);
    }
    enum { START_ADDRESS = 9 };
    void *start = NULL;
    HMODULE module = NULL;
    HANDLE thread = OpenThread(THREAD_QUERY_INFORMATION, FALSE, id);
    if (thread == NULL) {
        /* It has just ended. */
        return 1;
    }
    LONG status = query(thread, START_ADDRESS, &start, sizeof start, NULL);
    CloseHandle(thread);
    return status == 0
           && GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS
                                     | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, start, &module)
           && module == ntdll;
}

int system_thread_count(void)
{
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    CHECK(all != INVALID_HANDLE_VALUE);
    int count = 0;
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    for (BOOL is_there = Thread32First(all, &entry); is_there; is_there = Thread32Next(all, &entry)) {
        count += entry.th32OwnerProcessID == GetCurrentProcessId() && !is_of_the_system(entry.th32ThreadID);
    }
    CloseHandle(all);
    return count;
}

int fd_count(void)
{
    DWORD count = 0;
    CHECK(GetProcessHandleCount(GetCurrentProcess(), &count));
    return (int)count;
}

void check_fds(int before)
{
    /* The system's own libraries keep some from their first use on: only what grows in a loop tells something. */
    (void)before;
}

static PROCESS_MEMORY_COUNTERS memory(void)
{
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof counters};
    CHECK(K32GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters));
    return counters;
}

long rss_kib(void)
{
    return (long)(memory().WorkingSetSize / 1024);
}

long peak_kib(void)
{
    return (long)(memory().PeakWorkingSetSize / 1024);
}

/* ---- Processes ---- */

void keep_from_blocking(int socket)
{
    u_long yes = 1;
    CHECK(ioctlsocket((SOCKET)socket, FIONBIO, &yes) == 0);
}

void keep_from_children(int socket)
{
    /* They are the broker's. */
    (void)socket;
}

/* Asks the broker; gives the connection, and the line of the answer. */
static int ask_broker(const char *question, char *line, size_t size)
{
    /* Its port, and the secret. */
    const char *port = environment("SOCKETIO_TEST_BROKER");
    const char *secret = port != NULL ? strchr(port, ' ') : NULL;
    if (secret == NULL) {
        skip("SOCKETIO_TEST_BROKER is not set");
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(port));
    int broker = (int)socket(AF_INET, SOCK_STREAM, 0);
    CHECK(broker >= 0 && connect(broker, (struct sockaddr *)&address, sizeof address) == 0);
    text_t words = {0};
    text_format(&words, "%s %s", secret + 1, question);
    CHECK(send(broker, words.ptr, (int)words.len, 0) == (int)words.len);
    free(words.ptr);
    size_t len = 0;
    for (char c; recv(broker, &c, 1, 0) == 1 && c != '\n' && len < size - 1;) {
        line[len++] = c;
    }
    line[len] = 0;
    return broker;
}

void child_start(child_t *child, const char *program, const char *script, const char *port, const char *options,
                 int ends_by_itself)
{
    text_t question = {0};
    char line[256];
    text_format(&question, "start %s %s %s %s %s\n", program, script != NULL ? script : "-", port,
                ends_by_itself ? "ends" : "dies", options);
    int broker = ask_broker(question.ptr, line, sizeof line);
    free(question.ptr);
    if (strncmp(line, "! ", 2) == 0) {
        skip(line + 2);
    }
    *child = (child_t){.id = atol(line), .commands = broker, .reports = broker};
    CHECK(child->id > 0);
}

void child_signal(const child_t *child, child_signal_t with_signal)
{
    static const char *const signals[] = {
        [CHILD_KILL] = "SIGKILL", [CHILD_FREEZE] = "SIGSTOP", [CHILD_THAW] = "SIGCONT",
    };
    char question[64];
    char line[256];
    snprintf(question, sizeof question, "signal %ld %s\n", child->id, signals[with_signal]);
    close_socket(ask_broker(question, line, sizeof line));
    if (strncmp(line, "! ", 2) == 0) {
        /* Windows itself can't freeze a process. */
        skip(line + 2);
    }
    CHECK_TEXT(line, "done");
}

void child_write(const child_t *child, const char *bytes, size_t len)
{
    for (int sent; len > 0; bytes += sent, len -= (size_t)sent) {
        sent = send(child->commands, bytes, (int)len, 0);
        CHECK(sent > 0);
    }
}

size_t child_read(const child_t *child, char *bytes, size_t size, int milliseconds)
{
    struct pollfd readable = {.fd = child->reports, .events = POLLIN};
    if (poll(&readable, 1, milliseconds) != 1) {
        return 0;
    }
    int len = recv(child->reports, bytes, (int)size, 0);
    return len > 0 ? (size_t)len : 0;
}

void child_end(child_t *child)
{
    char rest[4096];
    shutdown(child->commands, SD_SEND);
    /* The broker closes after the end. */
    while (child_read(child, rest, sizeof rest, -1) > 0) {
    }
    close_socket(child->commands);
    child->id = 0;
}
