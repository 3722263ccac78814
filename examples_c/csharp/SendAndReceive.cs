// The smallest useful host in C#: connects, listens to every event, sends one text, prints what comes.
//
//     mcs SendAndReceive.cs && mono SendAndReceive.exe URL [EVENT [TEXT]]
//
// It also compiles as the Program.cs of a .NET console project. The library is looked for where the system looks for
// libraries, and beside the program: socketio_plugin.dll or libsocketio_plugin.so. The structs are those of
// socketio_plugin.h.

using System;
using System.Runtime.InteropServices;
using System.Text;

static class SendAndReceive
{
    const uint Start = 1, Stop = 2, Send = 3, Subscribe = 4, OnError = 103, OnReceive = 104; // SOCKETIO_NODE_*
    const uint TypeString = 5; // SOCKETIO_TYPE_STRING

    [StructLayout(LayoutKind.Sequential)]
    struct Text
    {
        public IntPtr Pointer;
        public UIntPtr Length;
    }

    // A value: its type says which of the fields that overlap counts.
    [StructLayout(LayoutKind.Explicit)]
    struct Value
    {
        [FieldOffset(0)] public uint Type;
        [FieldOffset(4)] public uint Reserved;
        [FieldOffset(8)] public byte Boolean;
        [FieldOffset(8)] public long Integer;
        [FieldOffset(8)] public double Number;
        [FieldOffset(8)] public Text String;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct NodeCall
    {
        public uint StructSize, NodeType;
        public ulong Node, Connection;
        public IntPtr Attributes, Inputs;
        public uint AttributeCount, InputCount;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Event
    {
        public uint StructSize, NodeType;
        public ulong Node, Request, Connection, Sequence, TimeUs;
        public uint Pulse;
        public int Status;
        public uint OutputCount, Reserved;
        public IntPtr Outputs;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Batch
    {
        public uint StructSize, Count;
        public IntPtr Events;
        public ulong Dropped;
    }

    const string Library = "socketio_plugin";
    const CallingConvention C = CallingConvention.Cdecl;

    [DllImport(Library, CallingConvention = C)] static extern uint socketio_abi_version();
    [DllImport(Library, CallingConvention = C)] static extern int socketio_plugin_enable(IntPtr host);
    [DllImport(Library, CallingConvention = C)] static extern int socketio_plugin_disable(uint timeoutMs);
    [DllImport(Library, CallingConvention = C)] static extern int socketio_settings_apply(byte[] json, UIntPtr length);
    [DllImport(Library, CallingConvention = C)]
    static extern int socketio_connection_find(byte[] name, UIntPtr length, out ulong connection);
    [DllImport(Library, CallingConvention = C)]
    static extern int socketio_node_execute(ref NodeCall call, IntPtr result);
    [DllImport(Library, CallingConvention = C)] static extern int socketio_event_wait(uint timeoutMs);
    [DllImport(Library, CallingConvention = C)] static extern int socketio_event_poll(uint max, ref Batch batch);
    [DllImport(Library, CallingConvention = C)] static extern UIntPtr socketio_last_error([Out] byte[] text, UIntPtr size);

    static ulong connection;

    static UIntPtr LengthOf(byte[] bytes)
    {
        return new UIntPtr((uint)bytes.Length);
    }

    // Ends the program with the library's own sentence if a call has failed.
    static void Require(int status)
    {
        if (status < 0)
        {
            var sentence = new byte[1024];
            socketio_last_error(sentence, LengthOf(sentence));
            Console.Error.WriteLine(Encoding.UTF8.GetString(sentence).TrimEnd('\0'));
            Environment.Exit(1);
        }
    }

    // A pulse into an action node. Input 0 is the pulse itself.
    static void PulseInto(uint nodeType, params string[] texts)
    {
        var inputs = new Value[texts.Length + 1];
        var pins = new GCHandle[texts.Length + 1];
        for (int i = 0; i < texts.Length; i++)
        {
            var bytes = Encoding.UTF8.GetBytes(texts[i]);
            pins[i] = GCHandle.Alloc(bytes, GCHandleType.Pinned);
            inputs[i + 1].Type = TypeString;
            inputs[i + 1].String = new Text { Pointer = pins[i].AddrOfPinnedObject(), Length = LengthOf(bytes) };
        }
        pins[texts.Length] = GCHandle.Alloc(inputs, GCHandleType.Pinned);
        var call = new NodeCall { StructSize = (uint)Marshal.SizeOf(typeof(NodeCall)), NodeType = nodeType };
        call.Connection = connection;
        call.Inputs = pins[texts.Length].AddrOfPinnedObject();
        call.InputCount = (uint)inputs.Length;
        int status = socketio_node_execute(ref call, IntPtr.Zero);
        // Memory of the host has to be valid during the call only.
        Array.ForEach(pins, pin => pin.Free());
        Require(status);
    }

    static string Output(Event fired, int index)
    {
        int at = index * Marshal.SizeOf(typeof(Value));
        var value = (Value)Marshal.PtrToStructure(IntPtr.Add(fired.Outputs, at), typeof(Value));
        var bytes = new byte[(int)value.String.Length];
        Marshal.Copy(value.String.Pointer, bytes, 0, bytes.Length);
        return Encoding.UTF8.GetString(bytes);
    }

    static int Main(string[] arguments)
    {
        if (arguments.Length < 1)
        {
            Console.Error.WriteLine("usage: SendAndReceive URL [EVENT [TEXT]]");
            return 2;
        }
        if (socketio_abi_version() >> 16 != 1)
        {
            Console.Error.WriteLine("This program was written for another version of the plugin.");
            return 1;
        }
        Require(socketio_plugin_enable(IntPtr.Zero));
        var settings = Encoding.UTF8.GetBytes(
            "{\"connections\":[{\"name\":\"main\",\"url\":\"" + arguments[0] + "\"}]}");
        Require(socketio_settings_apply(settings, LengthOf(settings)));
        var name = Encoding.UTF8.GetBytes("main");
        Require(socketio_connection_find(name, LengthOf(name), out connection));

        PulseInto(Subscribe, "*");
        PulseInto(Start);
        PulseInto(Send, arguments.Length > 1 ? arguments[1] : "echo", "/",
                  arguments.Length > 2 ? arguments[2] : "Hello from C#");
        var batch = new Batch { StructSize = (uint)Marshal.SizeOf(typeof(Batch)) };
        bool received = false;
        while (!received && socketio_event_wait(5000) == 0)
        {
            Require(socketio_event_poll(0, ref batch));
            for (int i = 0; i < batch.Count; i++)
            {
                var pointer = Marshal.ReadIntPtr(batch.Events, i * IntPtr.Size);
                var fired = (Event)Marshal.PtrToStructure(pointer, typeof(Event));
                if (fired.NodeType == OnReceive)
                {
                    Console.WriteLine(Output(fired, 2) + ": " + Output(fired, 3));
                    received = true;
                }
                else if (fired.NodeType == OnError)
                {
                    Console.Error.WriteLine(Output(fired, 2) + " " + Output(fired, 4));
                }
            }
        }
        PulseInto(Stop);
        Require(socketio_plugin_disable(1000));
        return received ? 0 : 1;
    }
}
