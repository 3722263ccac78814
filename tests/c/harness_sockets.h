/* Sockets by the names of POSIX; what Windows calls otherwise. */

#ifndef HARNESS_SOCKETS_H
#define HARNESS_SOCKETS_H

#ifdef _WIN32
#  include <winsock2.h>
#  include <ws2tcpip.h>
#  define poll WSAPoll
#  define close_socket closesocket
#  define MSG_NOSIGNAL 0
#else
#  include <arpa/inet.h>
#  include <netdb.h>
#  include <poll.h>
#  include <sys/socket.h>
#  include <unistd.h>
#  define close_socket close
#endif

/* Its calls don't wait. */
void keep_from_blocking(int socket);

/* Programs that are started from now on don't get it. */
void keep_from_children(int socket);

#endif /* HARNESS_SOCKETS_H */
