/* As a program of Microsoft's compiler links the library, without a C runtime of its own: 0 if the library answers. */

#include "socketio_plugin.h"

unsigned int entry(void)
{
    return socketio_abi_version() == SOCKETIO_ABI_VERSION ? 0 : 1;
}
