"""The smallest useful host, without a C compiler: connects, listens to every event, sends one text, prints what comes.

    python3 send_and_receive.py LIBRARY URL [EVENT [TEXT]]
"""
import ctypes
import json
import sys
from ctypes import POINTER, byref, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p, sizeof

START, STOP, SEND, SUBSCRIBE, ON_ERROR, ON_RECEIVE = 1, 2, 3, 4, 103, 104  # SOCKETIO_NODE_*
STRING = 5  # SOCKETIO_TYPE_STRING


# The structs of socketio_plugin.h. Texts are all that is read and written here: the largest member of a value.
class Value(ctypes.Structure):
    _fields_ = [("type", c_uint32), ("reserved", c_uint32), ("ptr", c_void_p), ("len", c_size_t)]

    def __str__(self):
        return ctypes.string_at(self.ptr, self.len).decode()


class NodeCall(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("node_type", c_uint32), ("node", c_uint64), ("connection", c_uint64),
                ("attributes", POINTER(Value)), ("inputs", POINTER(Value)),
                ("attribute_count", c_uint32), ("input_count", c_uint32)]


class Event(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("node_type", c_uint32), ("node", c_uint64), ("request", c_uint64),
                ("connection", c_uint64), ("sequence", c_uint64), ("time_us", c_uint64), ("pulse", c_uint32),
                ("status", c_int32), ("output_count", c_uint32), ("reserved", c_uint32), ("outputs", POINTER(Value))]


class Batch(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("count", c_uint32), ("events", POINTER(POINTER(Event))),
                ("dropped", c_uint64)]


def require(status):
    if status < 0:
        sentence = ctypes.create_string_buffer(1024)
        plugin.socketio_last_error(sentence, c_size_t(len(sentence)))
        sys.exit(sentence.value.decode())


def pulse_into(node_type, *texts):
    texts = [text.encode() for text in texts]
    # Input 0 is the pulse itself.
    values = [Value(STRING, 0, ctypes.cast(c_char_p(text), c_void_p), len(text)) for text in texts]
    inputs = (Value * (len(texts) + 1))(Value(), *values)
    call = NodeCall(sizeof(NodeCall), node_type, 0, connection, None, inputs, 0, len(inputs))
    require(plugin.socketio_node_execute(byref(call), None))


if len(sys.argv) < 3:
    sys.exit(__doc__)
plugin = ctypes.CDLL(sys.argv[1])
event_name = sys.argv[3] if len(sys.argv) > 3 else "echo"
message = sys.argv[4] if len(sys.argv) > 4 else "Hello from Python"
if plugin.socketio_abi_version() >> 16 != 1:
    sys.exit("This program was written for another version of the plugin.")
require(plugin.socketio_plugin_enable(None))
settings = json.dumps({"connections": [{"name": "main", "url": sys.argv[2]}]}).encode()
require(plugin.socketio_settings_apply(settings, c_size_t(len(settings))))
connection = c_uint64()
require(plugin.socketio_connection_find(b"main", c_size_t(4), byref(connection)))

pulse_into(SUBSCRIBE, "*")
pulse_into(START)
pulse_into(SEND, event_name, "/", message)
batch = Batch(sizeof(Batch))
received = False
while not received and plugin.socketio_event_wait(5000) == 0:
    require(plugin.socketio_event_poll(0, byref(batch)))
    for event in (batch.events[i].contents for i in range(batch.count)):
        if event.node_type == ON_RECEIVE:
            print(f"{event.outputs[2]}: {event.outputs[3]}")
            received = True
        elif event.node_type == ON_ERROR:
            print(event.outputs[2], event.outputs[4], file=sys.stderr)
pulse_into(STOP)
require(plugin.socketio_plugin_disable(1000))
sys.exit(0 if received else 1)
