/* Stands in for the system library of this name where Wine is too old to have it. It lies beside the programs of the
   tests; it is no part of what anybody gets. Random bytes come from where Windows itself had them before. */

#include <windows.h>

/* By its other name: RtlGenRandom. */
BOOLEAN NTAPI SystemFunction036(void *bytes, ULONG len);

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *bytes, SIZE_T len)
{
    while (len > 0) {
        ULONG part = len < 1 << 20 ? (ULONG)len : 1 << 20;
        if (!SystemFunction036(bytes, part)) {
            return FALSE;
        }
        bytes += part;
        len -= part;
    }
    return TRUE;
}
