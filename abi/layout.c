/*
 * The layout of every struct, as hosts were built with it: field, then offset and bytes for each kind of processor. What
 * no longer compiles here would be another interface, with another major version. A struct that may grow (it begins with
 * struct_size) gets its new fields at the end; the others are frozen.
 *
 * The three kinds: 64 bits; 32 bits with numbers of 64 bits at multiples of 8 (ARM, Windows); 32 bits with such numbers
 * at multiples of 4 (i386 elsewhere).
 */

#include "socketio_plugin.h"

/* Some headers of Windows have no UINTPTR_MAX for C++98. */
#if defined(_WIN64) || UINTPTR_MAX == 0xffffffffffffffff
#  define PICK(wide, narrow, i386) (wide)
#elif defined(__i386__) && !defined(_WIN32)
#  define PICK(wide, narrow, i386) (i386)
#else
#  define PICK(wide, narrow, i386) (narrow)
#endif

#define HOLDS(name, condition) typedef char name[(condition) ? 1 : -1]
#define FIELD(type, field, offset, bytes, offset_32, bytes_32, offset_386, bytes_386)               \
    HOLDS(type##_##field##_layout, offsetof(type, field) == PICK(offset, offset_32, offset_386) &&  \
                                       sizeof(((type *)0)->field) == PICK(bytes, bytes_32, bytes_386))
#define SIZE(type, bytes, bytes_32, bytes_386) HOLDS(type##_size, sizeof(type) == PICK(bytes, bytes_32, bytes_386))

FIELD(socketio_field_desc_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_field_desc_t, type, 4, 4, 4, 4, 4, 4);
FIELD(socketio_field_desc_t, flags, 8, 4, 8, 4, 8, 4);
FIELD(socketio_field_desc_t, reserved, 12, 4, 12, 4, 12, 4);
FIELD(socketio_field_desc_t, id, 16, 8, 16, 4, 16, 4);
FIELD(socketio_field_desc_t, label, 24, 8, 20, 4, 20, 4);
FIELD(socketio_field_desc_t, help, 32, 8, 24, 4, 24, 4);
FIELD(socketio_field_desc_t, default_json, 40, 8, 28, 4, 28, 4);
FIELD(socketio_field_desc_t, choices, 48, 8, 32, 4, 32, 4);
FIELD(socketio_field_desc_t, unit, 56, 8, 36, 4, 36, 4);
FIELD(socketio_field_desc_t, minimum, 64, 8, 40, 8, 40, 8);
FIELD(socketio_field_desc_t, maximum, 72, 8, 48, 8, 48, 8);
SIZE(socketio_field_desc_t, 80, 56, 56);

FIELD(socketio_node_desc_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_node_desc_t, type_id, 4, 4, 4, 4, 4, 4);
FIELD(socketio_node_desc_t, id, 8, 8, 8, 4, 8, 4);
FIELD(socketio_node_desc_t, label, 16, 8, 12, 4, 12, 4);
FIELD(socketio_node_desc_t, category, 24, 8, 16, 4, 16, 4);
FIELD(socketio_node_desc_t, help, 32, 8, 20, 4, 20, 4);
FIELD(socketio_node_desc_t, kind, 40, 4, 24, 4, 24, 4);
FIELD(socketio_node_desc_t, scopes, 44, 4, 28, 4, 28, 4);
FIELD(socketio_node_desc_t, attribute_count, 48, 4, 32, 4, 32, 4);
FIELD(socketio_node_desc_t, input_count, 52, 4, 36, 4, 36, 4);
FIELD(socketio_node_desc_t, output_count, 56, 4, 40, 4, 40, 4);
FIELD(socketio_node_desc_t, reserved, 60, 4, 44, 4, 44, 4);
FIELD(socketio_node_desc_t, attributes, 64, 8, 48, 4, 48, 4);
FIELD(socketio_node_desc_t, inputs, 72, 8, 52, 4, 52, 4);
FIELD(socketio_node_desc_t, outputs, 80, 8, 56, 4, 56, 4);
SIZE(socketio_node_desc_t, 88, 60, 60);

FIELD(socketio_plugin_desc_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_plugin_desc_t, abi_version, 4, 4, 4, 4, 4, 4);
FIELD(socketio_plugin_desc_t, id, 8, 8, 8, 4, 8, 4);
FIELD(socketio_plugin_desc_t, name, 16, 8, 12, 4, 12, 4);
FIELD(socketio_plugin_desc_t, category, 24, 8, 16, 4, 16, 4);
FIELD(socketio_plugin_desc_t, version, 32, 8, 20, 4, 20, 4);
FIELD(socketio_plugin_desc_t, vendor, 40, 8, 24, 4, 24, 4);
FIELD(socketio_plugin_desc_t, license, 48, 8, 28, 4, 28, 4);
FIELD(socketio_plugin_desc_t, description, 56, 8, 32, 4, 32, 4);
FIELD(socketio_plugin_desc_t, capabilities, 64, 4, 36, 4, 36, 4);
FIELD(socketio_plugin_desc_t, activated_by_default, 68, 4, 40, 4, 40, 4);
FIELD(socketio_plugin_desc_t, settings_version, 72, 4, 44, 4, 44, 4);
FIELD(socketio_plugin_desc_t, node_count, 76, 4, 48, 4, 48, 4);
FIELD(socketio_plugin_desc_t, connection_field_count, 80, 4, 52, 4, 52, 4);
FIELD(socketio_plugin_desc_t, reserved, 84, 4, 56, 4, 56, 4);
FIELD(socketio_plugin_desc_t, nodes, 88, 8, 60, 4, 60, 4);
FIELD(socketio_plugin_desc_t, connection_fields, 96, 8, 64, 4, 64, 4);
SIZE(socketio_plugin_desc_t, 104, 68, 68);

FIELD(socketio_string_t, ptr, 0, 8, 0, 4, 0, 4);
FIELD(socketio_string_t, len, 8, 8, 4, 4, 4, 4);
SIZE(socketio_string_t, 16, 8, 8);

FIELD(socketio_log_record_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_log_record_t, level, 4, 4, 4, 4, 4, 4);
FIELD(socketio_log_record_t, connection, 8, 8, 8, 8, 8, 8);
FIELD(socketio_log_record_t, time_us, 16, 8, 16, 8, 16, 8);
FIELD(socketio_log_record_t, message, 24, 16, 24, 8, 24, 8);
SIZE(socketio_log_record_t, 40, 32, 32);

FIELD(socketio_host_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_host_t, abi_version, 4, 4, 4, 4, 4, 4);
FIELD(socketio_host_t, name, 8, 8, 8, 4, 8, 4);
FIELD(socketio_host_t, version, 16, 8, 12, 4, 12, 4);
FIELD(socketio_host_t, context, 24, 8, 16, 4, 16, 4);
FIELD(socketio_host_t, log, 32, 8, 20, 4, 20, 4);
FIELD(socketio_host_t, wake, 40, 8, 24, 4, 24, 4);
SIZE(socketio_host_t, 48, 28, 28);

FIELD(socketio_connection_info_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_connection_info_t, state, 4, 4, 4, 4, 4, 4);
FIELD(socketio_connection_info_t, transport, 8, 4, 8, 4, 8, 4);
FIELD(socketio_connection_info_t, last_error, 12, 4, 12, 4, 12, 4);
FIELD(socketio_connection_info_t, namespaces, 16, 4, 16, 4, 16, 4);
FIELD(socketio_connection_info_t, attempts, 20, 4, 20, 4, 20, 4);
FIELD(socketio_connection_info_t, queued, 24, 8, 24, 8, 24, 8);
FIELD(socketio_connection_info_t, dropped, 32, 8, 32, 8, 32, 8);
FIELD(socketio_connection_info_t, round_trip_us, 40, 8, 40, 8, 40, 8);
SIZE(socketio_connection_info_t, 48, 48, 48);

FIELD(socketio_bytes_t, ptr, 0, 8, 0, 4, 0, 4);
FIELD(socketio_bytes_t, len, 8, 8, 4, 4, 4, 4);
SIZE(socketio_bytes_t, 16, 8, 8);

FIELD(socketio_bytes_list_t, ptr, 0, 8, 0, 4, 0, 4);
FIELD(socketio_bytes_list_t, len, 8, 8, 4, 4, 4, 4);
SIZE(socketio_bytes_list_t, 16, 8, 8);

FIELD(socketio_value_as_t, boolean, 0, 1, 0, 1, 0, 1);
FIELD(socketio_value_as_t, integer, 0, 8, 0, 8, 0, 8);
FIELD(socketio_value_as_t, number, 0, 8, 0, 8, 0, 8);
FIELD(socketio_value_as_t, string, 0, 16, 0, 8, 0, 8);
FIELD(socketio_value_as_t, bytes, 0, 16, 0, 8, 0, 8);
FIELD(socketio_value_as_t, bytes_list, 0, 16, 0, 8, 0, 8);
FIELD(socketio_value_as_t, connection, 0, 8, 0, 8, 0, 8);
SIZE(socketio_value_as_t, 16, 8, 8);

FIELD(socketio_value_t, type, 0, 4, 0, 4, 0, 4);
FIELD(socketio_value_t, reserved, 4, 4, 4, 4, 4, 4);
FIELD(socketio_value_t, as, 8, 16, 8, 8, 8, 8);
SIZE(socketio_value_t, 24, 16, 16);

FIELD(socketio_node_call_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_node_call_t, node_type, 4, 4, 4, 4, 4, 4);
FIELD(socketio_node_call_t, node, 8, 8, 8, 8, 8, 8);
FIELD(socketio_node_call_t, connection, 16, 8, 16, 8, 16, 8);
FIELD(socketio_node_call_t, attributes, 24, 8, 24, 4, 24, 4);
FIELD(socketio_node_call_t, inputs, 32, 8, 28, 4, 28, 4);
FIELD(socketio_node_call_t, attribute_count, 40, 4, 32, 4, 32, 4);
FIELD(socketio_node_call_t, input_count, 44, 4, 36, 4, 36, 4);
SIZE(socketio_node_call_t, 48, 40, 40);

FIELD(socketio_node_result_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_node_result_t, pulse, 4, 4, 4, 4, 4, 4);
FIELD(socketio_node_result_t, request, 8, 8, 8, 8, 8, 8);
FIELD(socketio_node_result_t, outputs, 16, 8, 16, 4, 16, 4);
FIELD(socketio_node_result_t, output_capacity, 24, 4, 20, 4, 20, 4);
FIELD(socketio_node_result_t, output_count, 28, 4, 24, 4, 24, 4);
SIZE(socketio_node_result_t, 32, 32, 28);

FIELD(socketio_event_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_event_t, node_type, 4, 4, 4, 4, 4, 4);
FIELD(socketio_event_t, node, 8, 8, 8, 8, 8, 8);
FIELD(socketio_event_t, request, 16, 8, 16, 8, 16, 8);
FIELD(socketio_event_t, connection, 24, 8, 24, 8, 24, 8);
FIELD(socketio_event_t, sequence, 32, 8, 32, 8, 32, 8);
FIELD(socketio_event_t, time_us, 40, 8, 40, 8, 40, 8);
FIELD(socketio_event_t, pulse, 48, 4, 48, 4, 48, 4);
FIELD(socketio_event_t, status, 52, 4, 52, 4, 52, 4);
FIELD(socketio_event_t, output_count, 56, 4, 56, 4, 56, 4);
FIELD(socketio_event_t, reserved, 60, 4, 60, 4, 60, 4);
FIELD(socketio_event_t, outputs, 64, 8, 64, 4, 64, 4);
SIZE(socketio_event_t, 72, 72, 68);

FIELD(socketio_event_batch_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_event_batch_t, count, 4, 4, 4, 4, 4, 4);
FIELD(socketio_event_batch_t, events, 8, 8, 8, 4, 8, 4);
FIELD(socketio_event_batch_t, dropped, 16, 8, 16, 8, 12, 8);
SIZE(socketio_event_batch_t, 24, 24, 20);

FIELD(socketio_wake_handle_t, struct_size, 0, 4, 0, 4, 0, 4);
FIELD(socketio_wake_handle_t, kind, 4, 4, 4, 4, 4, 4);
FIELD(socketio_wake_handle_t, value, 8, 8, 8, 4, 8, 4);
SIZE(socketio_wake_handle_t, 16, 12, 12);
