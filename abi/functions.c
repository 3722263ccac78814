/*
 * The functions of the boundary as hosts were built with them. A declaration that changes no longer compiles here:
 * that would be another interface, with another major version. New functions are added.
 *
 * Underlying types are written out, so that a changed typedef is found too. The header is included twice on purpose.
 */

#include "socketio_plugin.h"
#include "socketio_plugin.h"

#define DECLARED(result, function, parameters) result(SOCKETIO_CALL *declared_##function) parameters = function

DECLARED(uint32_t, socketio_abi_version, (void));
DECLARED(const struct socketio_plugin_desc_t *, socketio_plugin_descriptor, (void));
DECLARED(const char *, socketio_status_name, (int32_t status));

DECLARED(int32_t, socketio_plugin_enable, (const struct socketio_host_t *host));
DECLARED(int32_t, socketio_plugin_disable, (uint32_t timeout_ms));
DECLARED(uint32_t, socketio_plugin_state, (void));

DECLARED(int32_t, socketio_settings_check, (const char *json, size_t len));
DECLARED(int32_t, socketio_settings_apply, (const char *json, size_t len));

DECLARED(int32_t, socketio_connection_find, (const char *name, size_t len, uint64_t *out));
DECLARED(int32_t, socketio_connection_info, (uint64_t connection, struct socketio_connection_info_t *out));

DECLARED(int32_t, socketio_node_execute, (const struct socketio_node_call_t *call, struct socketio_node_result_t *result));

DECLARED(int32_t, socketio_event_poll, (uint32_t max, struct socketio_event_batch_t *batch));
DECLARED(int32_t, socketio_event_wait, (uint32_t timeout_ms));
DECLARED(int32_t, socketio_event_wake_handle, (struct socketio_wake_handle_t *out));

DECLARED(size_t, socketio_last_error, (char *buf, size_t cap));
DECLARED(int32_t, socketio_set_log_level, (uint32_t level));
