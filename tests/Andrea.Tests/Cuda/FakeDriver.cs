using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Andrea.Cuda;
using Andrea.Cuda.Interop;

namespace Andrea.Tests.Cuda;

/// <summary>A driver that does nothing but hand out handles and write down what is asked of it. Device memory is host memory.</summary>
internal sealed unsafe partial class FakeDriver : ICudaDriver
{
    public const nint Context = 0xC0;

    private readonly HashSet<nint> _alive = [];
    private readonly List<(string Name, string[] Types)> _functions = [];
    private nint _next = 0x1000;
    private string? _crashing;

    /// <summary>Every call that changes something, in order.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>What the named calls return or throw instead of succeeding.</summary>
    public Dictionary<string, CudaResult> Failures { get; } = [];

    /// <summary>Calls are not noted, for tests of what else a call allocates.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>From now on launches of one kernel fail as if it had crashed.</summary>
    public void FailLaunchesOf(string kernel) => _crashing = kernel;

    /// <summary>The calling thread's context: tests use one thread.</summary>
    public nint Current { get; set; }

    /// <summary>What has been made and not given back.</summary>
    public int AliveCount => _alive.Count;

    public string Library => "fake";
    public int Version => 12_040;
    public (string Name, string Text) Describe(CudaResult result) => (result.ToString(), "as the test wished");

    public void Initialize() => Note("Initialize");
    public int GetDeviceCount() => DeviceCount;
    public int DeviceCount { get; init; } = 1;
    public int GetDevice(int ordinal) => ordinal;
    public string GetDeviceName(int device) => "Fake GPU";
    public long GetDeviceTotalBytes(int device) => 1 << 30;

    /// <summary>How many more things can be made before memory is used up.</summary>
    public int Left { get; set; } = int.MaxValue;

    /// <summary>Compute capability. Newer than any compiler, which therefore gives PTX, of which this driver reads the kernels' parameters.</summary>
    public int Major { get; init; } = 99;

    public int GetDeviceAttribute(int device, CudaDeviceAttribute attribute) => attribute == CudaDeviceAttribute.ComputeCapabilityMajor ? Major : 0;

    public nint RetainPrimaryContext(int device)
    {
        Note("RetainPrimaryContext");
        return Context;
    }

    public CudaResult ReleasePrimaryContext(int device) => Result("ReleasePrimaryContext");
    public void SetCurrentContext(nint context) => Current = context;
    public nint GetCurrentContext() => Current;
    public int GetCurrentDevice() => Current == Context ? 0 : OtherContexts[Current];

    /// <summary>Contexts that somebody else has made, each with its device.</summary>
    public Dictionary<nint, int> OtherContexts { get; } = [];
    public void SynchronizeContext() => Note("SynchronizeContext");

    public nint LoadModule(ReadOnlySpan<byte> image)
    {
        foreach (Match entry in Entry().Matches(Encoding.UTF8.GetString(image)))
            _functions.Add((entry.Groups[1].Value, [.. ParameterType().Matches(entry.Groups[2].Value).Select(match => match.Groups[1].Value)]));
        return Make("LoadModule");
    }

    public CudaResult UnloadModule(nint module) => End("UnloadModule", module);
    public nint GetFunction(nint module, string name) =>
        _functions.FindIndex(function => function.Name == name) is var index and >= 0 ? index : throw Error("GetFunction", CudaResult.NotFound);
    public void SetMaxDynamicShared(nint function, int bytes) => Note($"SetMaxDynamicShared({_functions[(int)function].Name}, {bytes})");
    public bool IsCapturing(nint stream) => false;
    public int GetDeviceOf(nint address) => MemoryDevice;
    public int MemoryDevice { get; init; }
    public int GetFunctionAttribute(nint function, CudaFunctionAttribute attribute) => 0;

    /// <summary>Notes the launch with the values of the arguments, read as the PTX declares them.</summary>
    public void LaunchKernel(nint function, in LaunchShape shape, nint stream, void** arguments)
    {
        if (!IsQuiet)
            NoteLaunch(function, shape, arguments);
    }

    public (long FreeBytes, long TotalBytes) GetMemoryInfo() => (1 << 29, 1 << 30);

    public nint AllocateMemory(long bytes)
    {
        TakeOne("AllocateMemory");
        Note("AllocateMemory");
        nint address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 256);
        _alive.Add(address);
        return address;
    }

    public CudaResult FreeMemory(nint address)
    {
        CudaResult result = End("FreeMemory", address);
        if (result == CudaResult.Success)
            NativeMemory.AlignedFree((void*)address);
        return result;
    }

    public nint AllocateMemoryAsync(long bytes, nint stream) => AllocateMemory(bytes);
    public CudaResult FreeMemoryAsync(nint address, nint stream) => FreeMemory(address);
    public nint AllocateHost(long bytes)
    {
        TakeOne("AllocateHost");
        Note("AllocateHost");
        nint host = (nint)NativeMemory.AllocZeroed((nuint)bytes);
        _alive.Add(host);
        return host;
    }

    public CudaResult FreeHost(nint host)
    {
        CudaResult result = End("FreeHost", host);
        if (result == CudaResult.Success)
            NativeMemory.Free((void*)host);
        return result;
    }

    public void CopyHostToDevice(nint target, void* source, long bytes) => Copy("CopyHostToDevice", (void*)target, source, bytes);
    public void CopyDeviceToHost(void* target, nint source, long bytes) => Copy("CopyDeviceToHost", target, (void*)source, bytes);
    public void CopyDeviceToDevice(nint target, nint source, long bytes) => Copy("CopyDeviceToDevice", (void*)target, (void*)source, bytes);
    public void CopyHostToDeviceAsync(nint target, void* source, long bytes, nint stream) =>
        Copy("CopyHostToDeviceAsync", (void*)target, source, bytes);
    public void CopyDeviceToHostAsync(void* target, nint source, long bytes, nint stream) =>
        Copy("CopyDeviceToHostAsync", target, (void*)source, bytes);
    public void CopyDeviceToDeviceAsync(nint target, nint source, long bytes, nint stream) =>
        Copy("CopyDeviceToDeviceAsync", (void*)target, (void*)source, bytes);

    public void FillBytesAsync(nint target, byte value, long bytes, nint stream)
    {
        Note("FillBytesAsync");
        NativeMemory.Fill((void*)target, (nuint)bytes, value);
    }

    public void FillWordsAsync(nint target, uint value, long count, nint stream) => Note("FillWordsAsync");

    public nint CreateStream() => Make("CreateStream");
    public CudaResult DestroyStream(nint stream) => End("DestroyStream", stream);
    public void SynchronizeStream(nint stream) => Note("SynchronizeStream");
    public void WaitForEvent(nint stream, nint @event) => Note("WaitForEvent");
    public nint CreateEvent(bool timed) => Make("CreateEvent");
    public CudaResult DestroyEvent(nint @event) => End("DestroyEvent", @event);
    public void RecordEvent(nint @event, nint stream) => Note("RecordEvent");
    public bool HasPassed(nint @event) => true;
    public void SynchronizeEvent(nint @event) => Note("SynchronizeEvent");
    public float GetElapsedMs(nint start, nint end) => 0;
    public void BeginCapture(nint stream) => Note("BeginCapture");
    public nint EndCapture(nint stream) => Make("EndCapture");
    public CudaResult DestroyGraph(nint graph) => End("DestroyGraph", graph);
    public nint InstantiateGraph(nint graph) => Make("InstantiateGraph");
    public CudaResult DestroyExecutableGraph(nint executable) => End("DestroyExecutableGraph", executable);
    public void LaunchGraph(nint executable, nint stream) => Note("LaunchGraph");

    private static string Value(string type, void* value) => type switch
    {
        "u64" => "0x" + (*(ulong*)value).ToString("x", System.Globalization.CultureInfo.InvariantCulture),
        "u32" => (*(uint*)value).ToString(System.Globalization.CultureInfo.InvariantCulture),
        "f32" => (*(float*)value).ToString(System.Globalization.CultureInfo.InvariantCulture),
        "f64" => (*(double*)value).ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => throw new NotSupportedException($"The fake driver reads no .{type}."),
    };

    private static CudaException Error(string call, CudaResult result) =>
        new(call, (int)result, result.ToString(), "as the test wished.", result.IsSticky());

    private void NoteLaunch(nint function, LaunchShape shape, void** arguments)
    {
        (string name, string[] types) = _functions[(int)function];
        if (name == _crashing)
            throw Error("LaunchKernel", CudaResult.IllegalAddress);
        string grid = shape.GridY == 1 ? $"{shape.GridX}" : $"{shape.GridX} x {shape.GridY}";
        Note($"{name}<{grid}, {shape.BlockX}>({string.Join(", ", types.Select((type, i) => Value(type, arguments[i])))})");
    }

    private void Copy(string call, void* target, void* source, long bytes)
    {
        Note(call);
        Buffer.MemoryCopy(source, target, bytes, bytes);
    }

    private void TakeOne(string call)
    {
        if (Left-- <= 0)
            throw Error(call, CudaResult.OutOfMemory);
    }

    private nint Make(string call)
    {
        TakeOne(call);
        Note(call);
        _alive.Add(_next);
        return _next++;
    }

    private CudaResult End(string call, nint value)
    {
        Assert.True(_alive.Remove(value) || Failures.ContainsKey(call), $"{call} got something twice, or something never made.");
        return Result(call);
    }

    private CudaResult Result(string call)
    {
        if (!IsQuiet)
            Calls.Add(call);
        return Failures.GetValueOrDefault(call);
    }

    private void Note(string call)
    {
        if (Result(call) is var result and not CudaResult.Success)
            throw Error(call, result);
    }

    [GeneratedRegex(@"\.entry (\w+)\(([^)]*)\)")]
    private static partial Regex Entry();

    [GeneratedRegex(@"\.param \.(\w+)")]
    private static partial Regex ParameterType();
}
