#include "system.h"

#ifdef _WIN32

#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

const char system_name[] = "windows";

/* A path as Windows takes it; a longer one names no file. */
struct wide {
    wchar_t text[1024];
};

static struct wide wide(const char *path)
{
    struct wide result = {{0}};

    if (MultiByteToWideChar(CP_UTF8, 0, path, -1, result.text, (int)(sizeof result.text / sizeof *result.text)) == 0) {
        result.text[0] = L'\0';
    }
    return result;
}

/* Those of main are in the code page of the system, which lacks most letters. */
char **system_begin(int argc, char **argv)
{
    wchar_t **given = CommandLineToArgvW(GetCommandLineW(), &argc);
    char **arguments = calloc((size_t)argc + 1, sizeof *arguments);
    int i;

    SetConsoleOutputCP(CP_UTF8);
    /* Windows has no buffer of lines; a line is written at once. */
    setvbuf(stdout, NULL, _IONBF, 0);
    _setmode(_fileno(stdout), _O_BINARY);
    if (given == NULL || arguments == NULL) {
        return argv;
    }
    for (i = 0; i < argc; i++) {
        int size = WideCharToMultiByte(CP_UTF8, 0, given[i], -1, NULL, 0, NULL, NULL);

        arguments[i] = calloc((size_t)size + 1, 1);
        if (arguments[i] == NULL) {
            return argv;
        }
        WideCharToMultiByte(CP_UTF8, 0, given[i], -1, arguments[i], size, NULL, NULL);
    }
    LocalFree(given);
    return arguments;
}

void *system_load(const char *path, struct text *why)
{
    struct wide name = wide(path);
    HMODULE library;
    wchar_t *at;

    /* This one function does not take slashes. */
    for (at = name.text; *at != L'\0'; at++) {
        *at = *at == L'/' ? L'\\' : *at;
    }
    library = LoadLibraryW(name.text);
    if (library == NULL) {
        text_format(why, "%s: Windows says error %lu", path, GetLastError());
    }
    return library;
}

void *system_function(void *library, const char *name)
{
    FARPROC function = GetProcAddress(library, name);
    void *pointer;

    memcpy(&pointer, &function, sizeof pointer);
    return pointer;
}

void system_unload(void *library)
{
    FreeLibrary(library);
}

int system_has_folder(const char *path)
{
    return strpbrk(path, "/\\:") != NULL;
}

double system_seconds(void)
{
    LARGE_INTEGER count, frequency;

    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (double)count.QuadPart / (double)frequency.QuadPart;
}

void system_sleep_until(double seconds)
{
    double left = seconds - system_seconds();

    if (left > 0) {
        Sleep((DWORD)(left * 1000) + 1);
    }
}

void system_catch_signals(void (*on_signal)(int number))
{
    /* Windows forgets the handler with the first one. */
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
}

FILE *system_open(const char *path, const char *mode)
{
    return _wfopen(wide(path).text, wide(mode).text);
}

int system_is_there(const char *path)
{
    return GetFileAttributesW(wide(path).text) != INVALID_FILE_ATTRIBUTES;
}

int system_replace(const char *from, const char *to)
{
    return MoveFileExW(wide(from).text, wide(to).text, MOVEFILE_REPLACE_EXISTING) ? 0 : -1;
}

int system_remove(const char *path)
{
    return DeleteFileW(wide(path).text) ? 0 : -1;
}

#endif
