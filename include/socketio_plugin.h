#ifndef SOCKETIO_PLUGIN_H
#define SOCKETIO_PLUGIN_H

/*
 * Socket.IO for a visual authoring studio: the C boundary.
 *
 * A host loads the library, shows what the descriptor says, executes nodes, and polls events. It needs to know
 * nothing of Socket.IO.
 *
 *
 * Life cycle
 *
 *     load --> DISABLED --enable--> ENABLED --disable--> DISABLED --> ...
 *                                      \--disable, out of time--> DRAINING --disable again--> DISABLED
 *
 * Loading has no effect: no thread, no environment variable read, no signal touched. The descriptor can be read in
 * every state. `enable` starts one thread, `disable` ends it, closes every socket and forgets settings and handles,
 * so that the next `enable` starts fresh. A studio's "Deactivated" is: load, read the descriptor, never enable.
 * The library is resident: it stays mapped after dlclose or FreeLibrary (on Windows once anything but its ABI version
 * was asked), and a replaced file takes effect at the host's restart. Exit without `disable` is fine. In a process that
 * was forked while the plugin was activated, calls that need its threads return SOCKETIO_E_STATE; the other process is
 * not disturbed. On Windows, nothing may be called from inside DllMain.
 *
 * A minimal host: `enable`, `settings_apply`, `node_execute` of Subscribe and Start, then `event_poll` once a frame.
 *
 *
 * Versions
 *
 * Call `socketio_abi_version` first: the major (upper 16 bits) must be that of this header, the minor may differ
 * either way. Each struct that may grow begins with `struct_size`: set it to sizeof. Of a struct that the library
 * reads: a shorter one than the library's means that the missing fields are 0; a longer one is taken if the part
 * unknown to the library is all zero, else SOCKETIO_E_ABI. A struct that the library only fills is filled as far as
 * both reach, and its struct_size then says how far that is. Fields named `reserved` must be 0. Read static structs
 * only up to their struct_size. Arrays of growable structs are arrays of pointers.
 *
 *
 * Memory
 *
 * Nothing is ever freed across the boundary; there is no free function. Memory of the host is valid for the call:
 * what the library keeps, it copies. Memory of the library is static, or borrowed until the next poll (also across
 * `disable` and `enable`), or copied into memory of the host. A pointer with length (NULL, 0) is legal everywhere;
 * (NULL, n) is SOCKETIO_E_INVALID. Borrowed strings have a length and a final NUL. Out-parameters are written only if
 * the status is 0 or above.
 *
 *
 * Threads
 *
 * Each function names its thread at its end:
 *
 *     [any]      any thread, at any time, also several at once
 *     [control]  any thread, but one control call at a time; a second one gets SOCKETIO_E_BUSY
 *     [poll]     any thread, but one poll call at a time; a second one gets SOCKETIO_E_BUSY
 *     [plugin]   a thread of the library: only the `wake` callback of the host runs there
 *
 * A call from inside a callback gets SOCKETIO_E_BUSY, except those of identity and diagnostics. Calls of one thread
 * for one connection take effect in their order.
 *
 *
 * Blocking
 *
 * Nothing blocks but `disable` and `event_wait`, each at most as long as it is told. Everything that takes time
 * (name look-up, connecting, JSON) happens on the plugin's thread and comes back as an event.
 *
 *
 * Errors
 *
 * The status says what kind of error it is, by its range; `socketio_last_error` has a sentence for it, on the same
 * thread. What fails later is an event: On Socket.IO Error, with a sentence, a stable code and a remedy. A fault
 * inside the library never leaves it: it becomes SOCKETIO_E_PANIC, or an error event and the end of one connection.
 *
 *
 * Environment and files
 *
 * Read at each attempt to connect, on threads of the library: variables and files that settings refer to (`env:`,
 * `file:`, certificates), and on Windows the user's proxy settings; once per process, at the first encrypted connection:
 * the certificates of the system. Read by `enable`: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and
 * SSL_CERT_DIR. A host that changes its environment with setenv() must do so before `enable` (POSIX: setenv is not safe
 * beside other threads). Paths are UTF-8 in settings, on every system.
 *
 *
 * What the library never does
 *
 * Write to stdout or stderr, change the process's signals, locale, environment or working directory, call back on
 * its own thread (`wake` excepted), write a secret to the log, keep a thread after `disable` returned SOCKETIO_OK.
 */

/* Generated from src/abi/ and src/descriptor/ by `cargo xtask generate`. Do not edit. */

#include <stddef.h>
#include <stdint.h>

#ifndef SOCKETIO_API
#  if defined(_WIN32)
#    define SOCKETIO_API __declspec(dllimport)
#  else
#    define SOCKETIO_API
#  endif
#endif

/* Functions and callbacks have this convention, whatever the host is built with (/Gz, /Gv). */
#ifndef SOCKETIO_CALL
#  if defined(_WIN32)
#    define SOCKETIO_CALL __cdecl
#  else
#    define SOCKETIO_CALL
#  endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Node types. The numbers are the positions of values in a call, a result or an event; position 0 of every
   node is its Configuration, or the pulse that runs it, or the pulse that leaves or fires. */

/*
 Socket.IO Start. Begins to connect. Its pulse leaves at once; On Socket.IO Start fires when the connection
 stands. Send and Subscribe may follow right away: they are remembered. On a running connection it does
 nothing.
 */
#define SOCKETIO_NODE_START 1

/*
 Socket.IO Stop. Ends the connection and all attempts to connect. Its pulse leaves at once; On Socket.IO Stop
 follows. Messages that were still waiting to be sent are given up, and On Socket.IO Error says how many.
 */
#define SOCKETIO_NODE_STOP 2

/*
 Socket.IO Send. Sends an event. With a Reply Timeout it also asks the server for a reply: then either Reply
 pulse or Timeout pulse fires later, exactly once.
 attribute 1  Message Format (String), one of Text, JSON, Arguments, Binary, default "Text": Text: the message
              is sent as one string. JSON: it is one JSON value. Arguments: it is a JSON array whose elements
              become the arguments of the event. Binary: its bytes are sent as they are.
 attribute 2  If Not Connected (String), one of Queue, Keep Latest, Drop, default "Queue": Queue: wait for the
              connection, up to the limits in Project Settings. Keep Latest: wait, but only the latest message
              of each event. Drop: give the message up.
 attribute 3  Reply Timeout (Float), default 0: How long to wait for the server's reply. 0: no reply is
              wanted.
 input     1  Event Name (String): Name of the event, exactly as the server spells it.
 input     2  Namespace (String), default "/": The namespace; chat and /chat are the same. It is joined when
              it is first used.
 input     3  Message (String): What to send, read as Message Format says.
 input     4  Attachments (Bytes List): Binary data, any number. Where the JSON holds
              {"_placeholder":true,"num":n}, attachment n takes its place; the others follow as further
              arguments.
 output    1  Reply pulse (Pulse): Fires when the server has replied.
 output    2  Reply (String): The reply: one string as that string, one other value as its JSON text, several
              as a JSON array.
 output    3  Timeout pulse (Pulse): Fires when no reply came in time, or none can come any more because the
              connection is gone.
 output    4  Reply Arguments (JSON) (JSON): All values of the reply, as a JSON array.
 output    5  Reply Attachments (Bytes List): Binary data of the reply, in the order of its placeholders.
 */
#define SOCKETIO_NODE_SEND 3

/*
 Socket.IO Subscribe. Listens to an event; On Socket.IO Receive fires for each. The subscription belongs to
 the configuration: it survives reconnects and Stop and Start. Subscribing twice is the same as once.
 attribute 1  Delivery (String), one of Every Message, Latest Per Poll, default "Every Message": Every
              Message: On Socket.IO Receive fires for each. Latest Per Poll: of several that arrive within one
              frame, only the latest fires.
 input     1  Event Name (String): Name of the event, exactly as the server spells it; * stands for every
              event.
 input     2  Namespace (String), default "/": The namespace; chat and /chat are the same. It is joined when
              it is first used.
 */
#define SOCKETIO_NODE_SUBSCRIBE 4

/*
 Socket.IO Unsubscribe. No longer listens to an event.
 input     1  Event Name (String): Name of the event, exactly as the server spells it; * stands for every
              event.
 input     2  Namespace (String), default "/": The namespace; chat and /chat are the same. It is joined when
              it is first used.
 */
#define SOCKETIO_NODE_UNSUBSCRIBE 5

/*
 Socket.IO Reply. Answers an event whose Reply Id is not 0. It may come frames later, but only once, and only
 while the connection that brought the event stands.
 attribute 1  Message Format (String), one of Text, JSON, Arguments, Binary, default "Text": Text: the message
              is sent as one string. JSON: it is one JSON value. Arguments: it is a JSON array whose elements
              become the arguments of the event. Binary: its bytes are sent as they are.
 input     1  Reply Id (Int): The Reply Id that On Socket.IO Receive gave.
 input     2  Message (String): What to send, read as Message Format says.
 input     3  Attachments (Bytes List): Binary data, any number. Where the JSON holds
              {"_placeholder":true,"num":n}, attachment n takes its place; the others follow as further
              arguments.
 */
#define SOCKETIO_NODE_REPLY 6

/*
 Socket.IO State. Tells how the connection is, at the moment of the pulse.
 output    1  State (String), one of Stopped, Connecting, Connected, Waiting: Stopped, Connecting, Connected,
              or Waiting (for the next try).
 output    2  Namespace Count (Int): Namespaces connected now.
 output    3  Queued (Int): Messages waiting to be sent.
 output    4  Dropped (Int): Messages given up before they were sent, and events dropped, since the project
              began.
 output    5  Round Trip (ms) (Float): Time to the server and back, as last measured; 0: not measured yet.
 output    6  Transport (String), one of None, WebSocket, Polling: None, WebSocket or Polling.
 */
#define SOCKETIO_NODE_STATE 7

/*
 Socket.IO Test. Finds out whether the server can be reached, step by step: settings, name, TCP, proxy,
 encryption, handshake, WebSocket, namespace, round trip. It works on a stopped connection as well and does
 not disturb one that stands: the server sees a second client that comes and goes. Stop does not end it.
 output    1  Result pulse (Pulse): Fires once when the test has come to its end, at the latest after a few
              times Connect Timeout.
 output    2  Passed (Bool): True: a connection by these settings works.
 output    3  Report (String): Each step with verdict and time, then what failed and what to do: a text to
              copy. It holds no secrets.
 output    4  Report (JSON) (JSON): The same as JSON: version, connection, passed, outcome, failed_at, plugin,
              time, ms, steps (step, label, verdict, ms, notes), warnings, problem (code, message, remedy).
 */
#define SOCKETIO_NODE_TEST 8

/*
 On Socket.IO Start. Fires when the default namespace is connected: after Start, and again after each
 reconnect.
 output    1  Session Id (String): The server's id of this session.
 output    2  Is Reconnect (Bool): False at the first time after Start, true after a lost connection came
              back.
 output    3  Recovered (Bool): True if the server kept the session (connection state recovery): its rooms,
              and the events that were missed.
 */
#define SOCKETIO_NODE_ON_START 101

/*
 On Socket.IO Stop. Fires when a connection is lost or ended. Each Start is followed by exactly one whose Will
 Reconnect is false.
 output    1  Reason (String): In the words of the reference client: io client disconnect, io server
              disconnect, ping timeout, transport close, transport error, parse error; or connect error when
              it never stood; or plugin disabled.
 output    2  Will Reconnect (Bool): True: the plugin goes on trying. False: the session is over until the
              next Start.
 */
#define SOCKETIO_NODE_ON_STOP 102

/*
 On Socket.IO Error. Fires for everything that goes wrong, with a sentence and a remedy. The same failure
 again and again fires once.
 output    1  Namespace (String): The namespace it happened in, such as / or /chat.
 output    2  Message (String): One sentence that says what happened.
 output    3  Code (String): Stable name of the error, such as tcp_refused.
 output    4  Remedy (String): One sentence that says what to do.
 output    5  Fatal (Bool): True: the session or the namespace is over and nothing more is tried.
 output    6  Will Retry In (s) (Float): Seconds until the next try; 0: nothing is to be tried again.
 */
#define SOCKETIO_NODE_ON_ERROR 103

/*
 On Socket.IO Receive. Fires for each event that is subscribed to.
 output    1  Namespace (String): The namespace it happened in, such as / or /chat.
 output    2  Trigger Name (String): Name of the event.
 output    3  Message (String): One string argument as that string, one other as its JSON text exactly as
              sent, several as a JSON array, none as the empty text.
 output    4  Arguments (JSON) (JSON): All arguments as a JSON array, exactly as sent. A placeholder stands
              for each attachment.
 output    5  Attachments (Bytes List): Binary data of the event, in the order of its placeholders in
              Arguments (JSON).
 output    6  Reply Id (Int): Not 0: the server waits for an answer; hand this number to Socket.IO Reply.
 */
#define SOCKETIO_NODE_ON_RECEIVE 104

/*
 On Socket.IO Subscribe. Fires when an event is really being listened to: when its namespace is connected, and
 again after each reconnect.
 output    1  Namespace (String): The namespace it happened in, such as / or /chat.
 output    2  Event Name (String): Name of the event.
 */
#define SOCKETIO_NODE_ON_SUBSCRIBE 105

/*
 On Socket.IO Unsubscribe. Fires when an event is no longer listened to because of Socket.IO Unsubscribe.
 output    1  Namespace (String): The namespace it happened in, such as / or /chat.
 output    2  Event Name (String): Name of the event.
 */
#define SOCKETIO_NODE_ON_UNSUBSCRIBE 106


/* Done. */
#define SOCKETIO_OK 0
/* Done: it was already so. Nothing changed. */
#define SOCKETIO_ALREADY 1
/* Done: and more events wait for the next poll. */
#define SOCKETIO_MORE 2
/* Done: with warnings. `socketio_last_error` has their text. */
#define SOCKETIO_NOTE 3
/* The time given passed without an event. Not an error. */
#define SOCKETIO_TIMED_OUT 4
/* An argument is wrong: NULL where memory is needed, a number out of range, text that is not UTF-8. */
#define SOCKETIO_E_INVALID (-1)
/* A struct_size is too small, or has fields set that this version does not know, or the ABI major differs. */
#define SOCKETIO_E_ABI (-2)
/* The plugin is not in the state for this call: most often it is deactivated. */
#define SOCKETIO_E_STATE (-3)
/* No such connection, node type or request, and there never was. */
#define SOCKETIO_E_NOT_FOUND (-4)
/* The handle was good once: its connection was removed from the settings, or the plugin was disabled since. */
#define SOCKETIO_E_STALE (-5)
/* A value has the wrong type for its pin or attribute. */
#define SOCKETIO_E_TYPE (-6)
/* The settings have errors. `socketio_last_error` lists all of them, a line each. */
#define SOCKETIO_E_SETTINGS (-7)
/* This platform or this version can't do it. */
#define SOCKETIO_E_UNSUPPORTED (-8)
/* Another call that excludes this one is running, or it was made from inside a callback. */
#define SOCKETIO_E_BUSY (-100)
/* The connection's queue is full: nothing was queued. */
#define SOCKETIO_E_QUEUE_FULL (-101)
/* The time limit passed. For `disable`: something still runs, call it again. */
#define SOCKETIO_E_TIMEOUT (-102)
/* Not connected, and the node says not to wait for a connection. */
#define SOCKETIO_E_NOT_CONNECTED (-103)
/* The network or the other end failed. */
#define SOCKETIO_E_NETWORK (-200)
/* The other end does not speak Socket.IO, or broke its rules. */
#define SOCKETIO_E_PROTOCOL (-201)
/* The server refused: a namespace, a token, the request. */
#define SOCKETIO_E_REFUSED (-202)
/* The other end was silent for too long. */
#define SOCKETIO_E_NO_ANSWER (-203)
/* A message breaks a limit or can't be sent as it is. */
#define SOCKETIO_E_MESSAGE (-204)
/* The operating system gave no thread, descriptor or memory. */
#define SOCKETIO_E_RESOURCES (-900)
/* A fault inside the plugin. It was contained; please report it. */
#define SOCKETIO_E_PANIC (-901)
/* Version of this interface: major in the upper 16 bits, minor in the lower. Not the version of the package. */
#define SOCKETIO_ABI_VERSION 65536
/* No value: the default is used. */
#define SOCKETIO_TYPE_NONE 0
/* A pulse. As an output, `boolean` is 1 at the pulse that fires and 0 at the others. */
#define SOCKETIO_TYPE_PULSE 1
/* `boolean`, 0 or 1. */
#define SOCKETIO_TYPE_BOOL 2
/* `integer`. */
#define SOCKETIO_TYPE_INT 3
/* `number`. */
#define SOCKETIO_TYPE_FLOAT 4
/* `string`, UTF-8. */
#define SOCKETIO_TYPE_STRING 5
/* `string`, UTF-8, holding one JSON value. */
#define SOCKETIO_TYPE_JSON 6
/* `bytes`. */
#define SOCKETIO_TYPE_BYTES 7
/* `bytes_list`: any number of byte strings, in order. */
#define SOCKETIO_TYPE_BYTES_LIST 8
/* `connection`. */
#define SOCKETIO_TYPE_CONNECTION 9
/* Flag of a field: it has no default and must be given. */
#define SOCKETIO_FIELD_REQUIRED 1
/* Flag of a field: hide it while typing; it may be a reference such as "env:NAME". */
#define SOCKETIO_FIELD_SECRET 2
/* Flag of a field: show it among the advanced ones. */
#define SOCKETIO_FIELD_ADVANCED 4
/* Flag of a field: STRING that takes BYTES as well. */
#define SOCKETIO_FIELD_BYTES_TOO 8
/* Kind of a node: the graph triggers it by a pulse. */
#define SOCKETIO_KIND_ACTION 1
/* Kind of a node: an event triggers it. It is never executed, it only fires. */
#define SOCKETIO_KIND_LISTENER 2
/* Scope flags of a node: where the Toolbox offers it. */
#define SOCKETIO_SCOPE_PROJECT 1
#define SOCKETIO_SCOPE_SCENE 2
/* Capability: the library stays mapped after dlclose or FreeLibrary. Replacing the file needs a restart of the host. */
#define SOCKETIO_CAPABILITY_RESIDENT 1
/* Capability: `socketio_event_wake_handle` works here. */
#define SOCKETIO_CAPABILITY_WAKE_HANDLE 2
/* Log levels, the most important first. */
#define SOCKETIO_LOG_OFF 0
#define SOCKETIO_LOG_ERROR 1
#define SOCKETIO_LOG_WARNING 2
#define SOCKETIO_LOG_INFO 3
#define SOCKETIO_LOG_DEBUG 4
#define SOCKETIO_LOG_TRAFFIC 5
/* Kind of a wake handle: a file descriptor that is readable while events wait. */
#define SOCKETIO_WAKE_FD 1
/* Kind of a wake handle: the HANDLE of a manual-reset event that is set while events wait. */
#define SOCKETIO_WAKE_WIN32_EVENT 2
/* State of the plugin: loaded, not activated. Nothing runs. */
#define SOCKETIO_PLUGIN_DISABLED 0
/* State of the plugin: activated. */
#define SOCKETIO_PLUGIN_ENABLED 1
/* State of the plugin: `disable` ran out of time and something still winds down. */
#define SOCKETIO_PLUGIN_DRAINING 2
/* State of a connection: not started, or ended. */
#define SOCKETIO_CONNECTION_STOPPED 0
/* State of a connection: looking up, dialling, or in a handshake. */
#define SOCKETIO_CONNECTION_CONNECTING 1
/* State of a connection: a namespace is connected, most often the default one. */
#define SOCKETIO_CONNECTION_CONNECTED 2
/* State of a connection: lost or not reached; waiting for the next try. */
#define SOCKETIO_CONNECTION_WAITING 3
/* Transport of a connection: none yet. */
#define SOCKETIO_TRANSPORT_NONE 0
/* Transport of a connection: WebSocket. */
#define SOCKETIO_TRANSPORT_WEBSOCKET 1
/* Transport of a connection: HTTP long-polling. */
#define SOCKETIO_TRANSPORT_POLLING 2

/* The type of a value: one of SOCKETIO_TYPE_*. */
typedef uint32_t socketio_type_t;

/* One pin, attribute or setting. Strings are UTF-8, static, and NULL where there is nothing to say. */
typedef struct socketio_field_desc_t {
  uint32_t struct_size;
  socketio_type_t type;
  /* SOCKETIO_FIELD_*. */
  uint32_t flags;
  uint32_t reserved;
  /* What a project file stores. Never changes. */
  const char *id;
  /* What the studio shows. */
  const char *label;
  /* One or two sentences for a tooltip. */
  const char *help;
  /* The default as JSON text, such as "\"/\"" or "20"; NULL: none. */
  const char *default_json;
  /* The choices of a drop-down, ended by NULL; NULL: no drop-down. */
  const char *const *choices;
  /* Unit of a number, such as "s" or "bytes"; NULL: none. */
  const char *unit;
  /* Smallest and largest value of a number; both 0: no range. */
  double minimum;
  double maximum;
} socketio_field_desc_t;

/* One node type. Values of a call or an event stand in the order of these arrays. */
typedef struct socketio_node_desc_t {
  uint32_t struct_size;
  /* SOCKETIO_NODE_*: the number used in calls and events. Never reused. */
  uint32_t type_id;
  /* What a project file stores. Never changes. */
  const char *id;
  const char *label;
  /* Folder of the Toolbox, such as "Communication/Socket.IO". */
  const char *category;
  const char *help;
  /* SOCKETIO_KIND_*. */
  uint32_t kind;
  /* SOCKETIO_SCOPE_*. */
  uint32_t scopes;
  uint32_t attribute_count;
  uint32_t input_count;
  uint32_t output_count;
  uint32_t reserved;
  const struct socketio_field_desc_t *const *attributes;
  const struct socketio_field_desc_t *const *inputs;
  const struct socketio_field_desc_t *const *outputs;
} socketio_node_desc_t;

/* All that the studio shows: Plugins Editor, Project Settings, Toolbox. */
typedef struct socketio_plugin_desc_t {
  uint32_t struct_size;
  /* The ABI of this library. */
  uint32_t abi_version;
  const char *id;
  const char *name;
  /* Of the Plugins Editor, such as "Communication". */
  const char *category;
  /* Version of the package. */
  const char *version;
  const char *vendor;
  const char *license;
  /* Three short paragraphs, separated by an empty line. */
  const char *description;
  /* SOCKETIO_CAPABILITY_*. */
  uint32_t capabilities;
  /* 1: a plugin that the user never toggled is activated. */
  uint32_t activated_by_default;
  /* Version of the settings text; a larger number means more fields. */
  uint32_t settings_version;
  uint32_t node_count;
  /* Fields of one connection in Project Settings. */
  uint32_t connection_field_count;
  uint32_t reserved;
  const struct socketio_node_desc_t *const *nodes;
  const struct socketio_field_desc_t *const *connection_fields;
} socketio_plugin_desc_t;

/*
 What a function returns: 0 ok, above 0 ok with a note, below 0 an error.

 -1 to -99: the call was wrong, fix the host. -100 to -199: try again later. -200 to -299: network or peer,
 the plugin deals with it. -900 to -999: a fault inside the plugin, disable it.
 */
typedef int32_t socketio_status_t;

/* A configured connection. 0 is none. Never reused: a handle of a removed connection stays stale for ever. */
typedef uint64_t socketio_connection_t;

/* UTF-8 text. What the plugin hands out has `ptr[len] == 0`; what the host hands in need not. (NULL, 0) is empty. */
typedef struct socketio_string_t {
  const char *ptr;
  size_t len;
} socketio_string_t;

/* One line of the log. Valid during the callback only. */
typedef struct socketio_log_record_t {
  uint32_t struct_size;
  /* SOCKETIO_LOG_ERROR to SOCKETIO_LOG_TRAFFIC. */
  uint32_t level;
  /* The connection it is about, or 0. */
  socketio_connection_t connection;
  /* Microseconds since `enable`. */
  uint64_t time_us;
  struct socketio_string_t message;
} socketio_log_record_t;

/* What the host offers. Every field but `struct_size` and `abi_version` may be 0. */
typedef struct socketio_host_t {
  uint32_t struct_size;
  /* SOCKETIO_ABI_VERSION of the header the host was built with. */
  uint32_t abi_version;
  /* Name and version of the host, for the log. */
  const char *name;
  const char *version;
  /* Handed back to both callbacks. */
  void *context;
  /* Takes log lines. Called on the host's own threads only, from inside poll, wait and disable. */
  void (SOCKETIO_CALL *log)(void *context, const struct socketio_log_record_t *record);
  /*
   Says that the queue is no longer empty. The only callback on a plugin thread: it may do nothing but post
   to the host's own loop, must not call this library, and must return at once. At most one call for each
   time the queue goes from empty to not empty; none after `disable` returned SOCKETIO_OK.
   */
  void (SOCKETIO_CALL *wake)(void *context);
} socketio_host_t;

/* A connection at a glance. The host sets `struct_size`. */
typedef struct socketio_connection_info_t {
  uint32_t struct_size;
  /* SOCKETIO_CONNECTION_*. */
  uint32_t state;
  /* SOCKETIO_TRANSPORT_*. */
  uint32_t transport;
  /* Range of the last error since it was last connected, or SOCKETIO_OK. */
  int32_t last_error;
  /* Namespaces connected now. */
  uint32_t namespaces;
  /* Failed tries since it was last connected. */
  uint32_t attempts;
  /* Messages waiting to be sent. */
  uint64_t queued;
  /* Messages given up before they were sent, and events dropped, since the settings were applied. */
  uint64_t dropped;
  /* Last round trip in microseconds; 0: not measured yet. */
  uint64_t round_trip_us;
} socketio_connection_info_t;

/* Bytes. (NULL, 0) is empty. */
typedef struct socketio_bytes_t {
  const uint8_t *ptr;
  size_t len;
} socketio_bytes_t;

/* `len` byte strings, one after the other. (NULL, 0) is an empty list. */
typedef struct socketio_bytes_list_t {
  const struct socketio_bytes_t *ptr;
  size_t len;
} socketio_bytes_list_t;

/* The content of a value; its type says which member counts. */
typedef union socketio_value_as_t {
  uint8_t boolean;
  int64_t integer;
  double number;
  struct socketio_string_t string;
  struct socketio_bytes_t bytes;
  struct socketio_bytes_list_t bytes_list;
  socketio_connection_t connection;
} socketio_value_as_t;

/*
 A value of a pin or an attribute. Frozen. `reserved` is 0. All bytes zero is SOCKETIO_TYPE_NONE.

 Where the descriptor says INT, a FLOAT without a fraction is taken too, and the reverse; where it says
 STRING, JSON is taken too, and the reverse; a choice is taken as its text or as its index (INT); where it says
 PULSE, a BOOL; where it says BYTES_LIST, BYTES as a list of one; where it says CONNECTION, a STRING with the name.
 */
typedef struct socketio_value_t {
  socketio_type_t type;
  uint32_t reserved;
  union socketio_value_as_t as;
} socketio_value_t;

/* One pulse into an action node. */
typedef struct socketio_node_call_t {
  uint32_t struct_size;
  /* `type_id` of the node. */
  uint32_t node_type;
  /* The host's own tag of the node: comes back in events that belong to this call. Any number. */
  uint64_t node;
  /* The connection. 0: the Configuration attribute decides (a CONNECTION, or a STRING with its name). */
  socketio_connection_t connection;
  /* Values in the order of the descriptor. A missing or NONE value means the default. */
  const struct socketio_value_t *attributes;
  const struct socketio_value_t *inputs;
  uint32_t attribute_count;
  uint32_t input_count;
} socketio_node_call_t;

/* What comes back from a pulse. The host sets `struct_size`, `outputs` and `output_capacity`. */
typedef struct socketio_node_result_t {
  uint32_t struct_size;
  /* Index of the output pulse that leaves now. */
  uint32_t pulse;
  /* Not 0: a later event with this number completes the call (Reply or Timeout). */
  uint64_t request;
  /* Host memory for the output values; NULL with capacity 0 if they are not wanted. */
  struct socketio_value_t *outputs;
  uint32_t output_capacity;
  /* How many were written: at most the capacity. Scalars and static strings only. */
  uint32_t output_count;
} socketio_node_result_t;

/* A node that fires. Borrowed: valid until the next poll. */
typedef struct socketio_event_t {
  uint32_t struct_size;
  /* `type_id` of the node that fires: a listener, or an action node whose later pulse this is. */
  uint32_t node_type;
  /* The tag of the call that this belongs to; 0 for a listener that no call caused. */
  uint64_t node;
  /* `request` of the call's result; 0 for a listener. */
  uint64_t request;
  socketio_connection_t connection;
  /* Grows by one with each event of the plugin. A gap: events were dropped, or replaced (Latest Per Poll). */
  uint64_t sequence;
  /* When it happened: microseconds since `enable`. */
  uint64_t time_us;
  /* Index of the output pulse that fires. */
  uint32_t pulse;
  /*
   For an error: its range (SOCKETIO_E_NETWORK, ...). For the Timeout pulse of a Send: SOCKETIO_E_NO_ANSWER, or why
   no answer can come. Else SOCKETIO_OK.
   */
  int32_t status;
  uint32_t output_count;
  uint32_t reserved;
  /* Values in the order of the descriptor's outputs. */
  const struct socketio_value_t *outputs;
} socketio_event_t;

/* What a poll found. The host sets `struct_size`. */
typedef struct socketio_event_batch_t {
  uint32_t struct_size;
  uint32_t count;
  /* `count` pointers. Borrowed until the next poll, also across `disable`. */
  const struct socketio_event_t *const *events;
  /* Events dropped since `enable` because nobody polled in time. */
  uint64_t dropped;
} socketio_event_batch_t;

/* Something to wait on in the host's own loop. The host never reads, resets or closes it. */
typedef struct socketio_wake_handle_t {
  uint32_t struct_size;
  /* SOCKETIO_WAKE_*. */
  uint32_t kind;
  /* A descriptor (int) or a HANDLE. */
  ptrdiff_t value;
} socketio_wake_handle_t;

/*
 The ABI version of the library: major in the upper 16 bits, minor in the lower. This signature never changes.

 States: all. Threads: [any]
 */
SOCKETIO_API uint32_t SOCKETIO_CALL socketio_abi_version(void);

/*
 What the studio shows: plugin, nodes with their pins and attributes, settings fields. Static: valid until the
 process ends. Never NULL.

 States: all. Threads: [any]
 */
SOCKETIO_API const struct socketio_plugin_desc_t *SOCKETIO_CALL socketio_plugin_descriptor(void);

/*
 The name of a status, such as "SOCKETIO_E_STALE". Static, never NULL; "SOCKETIO_UNKNOWN" for other numbers.

 States: all. Threads: [any]
 */
SOCKETIO_API const char *SOCKETIO_CALL socketio_status_name(socketio_status_t status);

/*
 Activates the plugin. Starts one thread; opens no socket. `host` may be NULL: no log and no wake.

 The struct is copied, `context` and the callbacks must stay valid until `disable` returned SOCKETIO_OK.
 Events of an earlier activation that were not polled are dropped.

 Returns SOCKETIO_OK; SOCKETIO_ALREADY if it was activated (nothing changes, calls are not counted);
 SOCKETIO_E_BUSY while draining or during another control call; SOCKETIO_E_ABI for another ABI major;
 SOCKETIO_E_RESOURCES if the system gave no thread, descriptor or memory.

 States: all. Threads: [control]. Takes below 5 ms.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_plugin_enable(const struct socketio_host_t *host);

/*
 Deactivates the plugin: ends every session (On Socket.IO Stop fires for each that was started), closes every
 socket, joins every thread, forgets settings and handles. Blocks at most `timeout_ms` and a little scheduling.

 A server that does not answer is given a quarter of a second at most, then its socket is cut. Events that were
 not polled stay for polling until the next `enable`; a batch handed out stays valid until the next poll. The wake
 handle is closed: take it out of your loop before. Log lines are handed over from inside this call.

 Returns SOCKETIO_OK: nothing of the plugin runs any more; SOCKETIO_ALREADY: it was deactivated;
 SOCKETIO_E_TIMEOUT: something still winds down (a name look-up or a file that does not answer, `log` of the host).
 The plugin is then DRAINING: harmless, call again later. SOCKETIO_E_BUSY during another control call.

 States: all. Threads: [control]. Blocks up to `timeout_ms`.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_plugin_disable(uint32_t timeout_ms);

/*
 SOCKETIO_PLUGIN_DISABLED, SOCKETIO_PLUGIN_ENABLED or SOCKETIO_PLUGIN_DRAINING.

 States: all. Threads: [any]
 */
SOCKETIO_API uint32_t SOCKETIO_CALL socketio_plugin_state(void);

/*
 Checks a settings text without using it: {"connections":[{"name":"main","url":"http://localhost:3000"}]}.
 The fields of a connection are those of the descriptor's `connection_fields`, by their ids.

 Returns SOCKETIO_OK; SOCKETIO_NOTE with warnings or SOCKETIO_E_SETTINGS with errors: then `socketio_last_error`
 has all of them, a line each: the connection's name, the field, what is wrong, what to do. SOCKETIO_E_RESOURCES if the
 system gives no memory.

 States: all. Threads: [any]. Never blocks, opens nothing.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_settings_check(const char *json, size_t len);

/*
 Makes this settings text the current one. All or nothing: with an error in it, nothing changes.

 Connections are matched by name. A new one is stopped (or starts, with Autostart); an unchanged one lives on
 untouched; a changed one keeps its handle and its subscriptions and, if it was started and needs it (its address, query,
 headers, auth or message size changed), connects anew; one that is gone is stopped and its handle becomes stale.

 Returns what `socketio_settings_check` does, or SOCKETIO_E_STATE while not activated, or SOCKETIO_E_BUSY during
 another control call.

 States: ENABLED. Threads: [control]. Never blocks.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_settings_apply(const char *json, size_t len);

/*
 Finds a connection by its name, which is compared byte by byte. The handle stays good until the settings lose that
 name or the plugin is disabled.

 Returns SOCKETIO_OK, SOCKETIO_E_NOT_FOUND, or SOCKETIO_E_STATE while not activated.

 States: ENABLED. Threads: [any]. Never blocks.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_connection_find(const char *name, size_t len, socketio_connection_t *out);

/*
 How a connection is right now. Fields are written up to `out->struct_size`.

 Returns SOCKETIO_OK; SOCKETIO_E_STALE or SOCKETIO_E_NOT_FOUND for a handle; SOCKETIO_E_STATE while not activated.

 States: ENABLED. Threads: [any]. Never blocks.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_connection_info(socketio_connection_t connection, struct socketio_connection_info_t *out);

/*
 Executes an action node: checks the call, copies what it needs, queues it for the plugin's thread, and returns.
 `result` may be NULL if nothing of it is wanted.

 On SOCKETIO_OK, `result->pulse` is the output pulse that leaves now. If `result->request` is not 0, an event with
 that number fires later: Reply or Timeout of a Send. Output values are written for nodes that have any at once
 (Socket.IO State), in the order of the descriptor, up to `output_capacity`.

 Returns SOCKETIO_OK; SOCKETIO_E_NOT_FOUND for an unknown node type or connection; SOCKETIO_E_STALE for a removed
 connection; SOCKETIO_E_TYPE or SOCKETIO_E_INVALID for a value, named in `socketio_last_error`;
 SOCKETIO_E_UNSUPPORTED for a listener node; SOCKETIO_E_QUEUE_FULL if the connection's queue is full: nothing was
 queued and no pulse leaves; SOCKETIO_E_BUSY if eight connection tests run already (Socket.IO Test);
 SOCKETIO_E_RESOURCES if the system gives no memory: nothing was done; SOCKETIO_E_STATE while not activated.

 States: ENABLED. Threads: [any]. Never blocks, never waits for the plugin's thread.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_node_execute(const struct socketio_node_call_t *node_call, struct socketio_node_result_t *result);

/*
 Takes up to `max` events from the queue; 0 stands for 4,096, which takes a fraction of a millisecond. What the poll
 before handed out is no longer valid, also if this one fails with SOCKETIO_E_STATE or finds nothing.

 Returns SOCKETIO_OK: the queue is empty now; SOCKETIO_MORE: poll again (this frame or the next). In the rare case
 that the plugin's thread holds the queue at this moment, SOCKETIO_MORE with a count of 0. After `disable` it hands
 out what was left, then returns SOCKETIO_E_STATE. SOCKETIO_E_BUSY if another thread polls; SOCKETIO_E_RESOURCES if
 the system gives no memory: the events stay.

 States: all. Threads: [poll]. Never blocks. Calls `log` of the host.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_event_poll(uint32_t max, struct socketio_event_batch_t *batch);

/*
 Waits until an event is in the queue, at most `timeout_ms`. Takes nothing out of it.

 Returns SOCKETIO_OK: poll now; SOCKETIO_TIMED_OUT; SOCKETIO_E_STATE while not activated, also if it is disabled
 during the wait; SOCKETIO_E_BUSY if another thread polls or waits.

 States: ENABLED. Threads: [poll]. Blocks up to `timeout_ms`. Calls `log` of the host.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_event_wait(uint32_t timeout_ms);

/*
 Gives something to wait on in the host's own loop, set while events are in the queue: on Linux a descriptor that is
 readable then (epoll, select, GLib, Qt), on Windows a manual-reset event (WaitForMultipleObjects and
 MsgWaitForMultipleObjects, QWinEventNotifier). The host only waits on it; it never reads, writes, resets or closes
 it. `disable` closes it.

 Returns SOCKETIO_OK; SOCKETIO_E_STATE while not activated; SOCKETIO_E_UNSUPPORTED where the platform has none;
 SOCKETIO_E_RESOURCES if the process is out of descriptors or handles.

 States: ENABLED. Threads: [any]. Never blocks.
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_event_wake_handle(struct socketio_wake_handle_t *out);

/*
 Copies the text of the last failure (or SOCKETIO_NOTE) of a call on this thread, as `snprintf` does: at most
 `cap` bytes with the final NUL, cut between characters. Returns the length of the whole text without the NUL, also
 if `buf` is NULL or `cap` is 0; 0 if there was none. Successful calls leave it as it is. At most 8 KiB are kept.

 States: all. Threads: [any]
 */
SOCKETIO_API size_t SOCKETIO_CALL socketio_last_error(char *buf, size_t cap);

/*
 From which level on log lines are kept for the host's `log`: SOCKETIO_LOG_OFF to SOCKETIO_LOG_TRAFFIC; the default
 is SOCKETIO_LOG_INFO. At SOCKETIO_LOG_TRAFFIC each packet is one line. Holds until it is set again.

 Returns SOCKETIO_OK, or SOCKETIO_E_INVALID for another number.

 States: all. Threads: [any]
 */
SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_set_log_level(uint32_t level);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* SOCKETIO_PLUGIN_H */
