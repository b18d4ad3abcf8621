using System.Runtime.CompilerServices;
using System.Text;
using Andrea.Cuda;
using Andrea.Cuda.Interop;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Memory;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Driver;

/// <summary>
/// A CUDA driver without a GPU: modules from PTX text, streams that work when they are waited for, and every mistake of a kernel
/// reported as the error that a GPU would give, with the place in the kernel.
/// </summary>
internal sealed unsafe partial class EmulatedCudaDriver(EmulatedGpu? gpu = null, LaunchOptions? options = null) : ICudaDriver, IDisposable
{
    private const nint Context = 0x1000;

    private readonly EmulatedGpu _gpu = gpu ?? new EmulatedGpu();
    private readonly EmulatedDevice _device = new(options);
    private readonly Lock _lock = new();
    private readonly ThreadLocal<nint> _current = new();
    private readonly Dictionary<nint, LoadedModule> _modules = [];
    private readonly Dictionary<nint, (LoadedModule Module, string Name)> _functions = [];
    private nint _nextHandle = 0x2000;
    private bool _isInitialized;
    private int _contextUsers;
    private CudaException? _firstFatal;

    public string Library => "the PTX emulator";

    public int Version => 12_040;

    /// <summary>The kernel's mistake that lost the context; null while all is well.</summary>
    public DeviceFaultException? Fault { get; private set; }

    /// <summary>How often kernels were launched, those in graphs included.</summary>
    public long LaunchCount { get; private set; }

    /// <summary>Instructions that kernels have executed, where <see cref="LaunchOptions.CountInstructions"/> asks for it.</summary>
    public long Executed => _device.Executed;

    /// <summary>How kernels are run, from now on; what changes their code (races, counts) has to be set before modules are loaded.</summary>
    public LaunchOptions Options
    {
        get => _device.Options;
        set => _device.Options = value;
    }

    public (string Name, string Text) Describe(CudaResult result)
    {
        var name = new StringBuilder("CUDA_ERROR");
        foreach (char c in result.ToString())
            name.Append(char.IsUpper(c) ? "_" : "").Append(char.ToUpperInvariant(c));
        return result == CudaResult.Success ? ("CUDA_SUCCESS", "no error") : (name.ToString(), $"the emulator's {result}");
    }

    public void Initialize()
    {
        if (_gpu.Count == 0)
            throw Error(CudaResult.NoDevice, "no GPU is emulated");
        _isInitialized = true;
    }

    public int GetDeviceCount() => _isInitialized ? _gpu.Count : throw Error(CudaResult.NotInitialized, "call Initialize first");

    public int GetDevice(int ordinal) => ordinal >= 0 && ordinal < GetDeviceCount()
        ? ordinal
        : throw Error(CudaResult.InvalidDevice, $"there is no device {ordinal}");

    public string GetDeviceName(int device) => _gpu.Name;

    public long GetDeviceTotalBytes(int device) => _gpu.TotalBytes;

    public int GetDeviceAttribute(int device, CudaDeviceAttribute attribute) => attribute switch
    {
        CudaDeviceAttribute.MaxThreadsPerBlock => EmulatedDevice.MaxThreads,
        CudaDeviceAttribute.MaxSharedBytesPerBlock => EmulatedDevice.UsualSharedBytes,
        CudaDeviceAttribute.MaxSharedBytesPerBlockOptIn => EmulatedDevice.MaxSharedBytes,
        CudaDeviceAttribute.WarpSize => ThreadBlock.WarpSize,
        CudaDeviceAttribute.MaxRegistersPerBlock => 65_536,
        CudaDeviceAttribute.MultiprocessorCount => _gpu.Multiprocessors,
        CudaDeviceAttribute.MaxThreadsPerMultiprocessor => 2048,
        CudaDeviceAttribute.ComputeCapabilityMajor => _gpu.Major,
        CudaDeviceAttribute.ComputeCapabilityMinor => _gpu.Minor,
        CudaDeviceAttribute.ConcurrentKernels or CudaDeviceAttribute.MemoryPoolsSupported => 1,
        CudaDeviceAttribute.ClockRateKiloHertz or CudaDeviceAttribute.MemoryClockRateKiloHertz => 1_000_000,
        CudaDeviceAttribute.MemoryBusWidthBits => 64,
        CudaDeviceAttribute.L2CacheBytes => 1 << 20,
        _ => throw Error(CudaResult.InvalidValue, $"the attribute {attribute} is not known to the emulator"),
    };

    public nint RetainPrimaryContext(int device)
    {
        GetDevice(device);
        lock (_lock)
            _contextUsers++;
        return Context;
    }

    public CudaResult ReleasePrimaryContext(int device)
    {
        lock (_lock)
            return _contextUsers-- > 0 ? CudaResult.Success : CudaResult.InvalidContext;
    }

    public void SetCurrentContext(nint context)
    {
        if (context is not (0 or Context))
            throw Error(CudaResult.InvalidContext, $"0x{context:x} is no context");
        _current.Value = context;
    }

    public nint GetCurrentContext() => _current.Value;

    public int GetCurrentDevice() => _current.Value != 0 ? 0 : throw Error(CudaResult.InvalidContext, "the thread has no context");

    public void SynchronizeContext()
    {
        lock (_lock)
        {
            Enter();
            RefuseWhileRecording();
            DrainAll();
        }
    }

    public nint LoadModule(ReadOnlySpan<byte> image)
    {
        lock (_lock)
        {
            Enter();
            if (image.StartsWith("\u007fELF"u8))
                throw Error(CudaResult.NoBinaryForGpu, "the image is a CUBIN, machine code of a real GPU; the emulator takes PTX text");
            if (image.IsEmpty || image[^1] != 0)
                throw Error(CudaResult.InvalidImage, "PTX text ends with a zero byte");
            try
            {
                LoadedModule module = _device.Load(Encoding.UTF8.GetString(image[..^1]));
                // As a real driver does, everything is compiled now, so that what is not understood is said at once.
                foreach (PtxFunction function in module.Module.Functions.Values.Where(f => f.IsEntry))
                    module.Translate(function.Name, Options.DetectRaces, Options.CountInstructions);
                return Add(_modules, module);
            }
            catch (PtxException error)
            {
                throw Error(CudaResult.InvalidPtx, error.Message);
            }
        }
    }

    public CudaResult UnloadModule(nint module)
    {
        lock (_lock)
        {
            if (!_modules.Remove(module, out LoadedModule? loaded))
                return CudaResult.InvalidHandle;
            CudaResult result = Quietly(() => DrainAll());
            foreach (nint function in _functions.Where(pair => pair.Value.Module == loaded).Select(pair => pair.Key).ToArray())
                _functions.Remove(function);
            loaded.Dispose();
            return result;
        }
    }

    public nint GetFunction(nint module, string name)
    {
        lock (_lock)
        {
            Enter();
            LoadedModule loaded = Get(_modules, module, "module");
            return loaded.HasKernel(name) ? Add(_functions, (loaded, name)) : throw Error(CudaResult.NotFound, $"the module has no kernel '{name}'");
        }
    }

    /// <summary>Registers are given out by the real driver's compiler only: their number is 0 here, and spills do not show.</summary>
    public int GetFunctionAttribute(nint function, CudaFunctionAttribute attribute)
    {
        lock (_lock)
        {
            Enter();
            (LoadedModule module, string name) = Get(_functions, function, "function");
            Translation.TranslatedKernel kernel = module.Translate(name, Options.DetectRaces, Options.CountInstructions);
            return attribute switch
            {
                CudaFunctionAttribute.MaxThreadsPerBlock => kernel.Function.MaxThreads == 0 ? EmulatedDevice.MaxThreads : kernel.Function.MaxThreads,
                CudaFunctionAttribute.StaticSharedBytes => (int)kernel.Layout.StaticSharedBytes,
                CudaFunctionAttribute.LocalBytes => (int)kernel.Layout.LocalBytes,
                _ => 0,
            };
        }
    }

    /// <summary>Recorded, and held against launches by <see cref="LoadedModule.Prepare"/>.</summary>
    public void SetMaxDynamicShared(nint function, int bytes)
    {
        lock (_lock)
        {
            Enter();
            (LoadedModule module, string name) = Get(_functions, function, "function");
            if (bytes < 0 || bytes > EmulatedDevice.MaxSharedBytes)
                throw Error(CudaResult.InvalidValue, $"{bytes} bytes of shared memory; a block can have {EmulatedDevice.MaxSharedBytes}");
            module.AllowDynamicShared(name, bytes);
        }
    }

    public void LaunchKernel(nint function, in LaunchShape shape, nint stream, void** arguments)
    {
        lock (_lock)
        {
            Enter();
            (LoadedModule module, string name) = Get(_functions, function, "function");
            Translation.TranslatedKernel kernel = module.Translate(name, Options.DetectRaces, Options.CountInstructions);
            KernelLaunch launch;
            try
            {
                launch = module.Prepare(
                    name, new(shape.GridX, shape.GridY, shape.GridZ), new(shape.BlockX, shape.BlockY, shape.BlockZ), shape.SharedBytes,
                    Pack(kernel, arguments), Options);
            }
            catch (ArgumentException error)
            {
                throw Error(CudaResult.InvalidValue, error.Message);
            }
            Enqueue(stream, () =>
            {
                LaunchCount++;
                _device.Run(launch);
            });
        }
    }

    public void Dispose()
    {
        foreach (nint host in _pinned.Keys.ToArray())
            FreeHost(host);
        _device.Dispose();
        _current.Dispose();
    }

    private static byte[] Pack(Translation.TranslatedKernel kernel, void** arguments)
    {
        var packed = new byte[kernel.Layout.ParameterBytes];
        for (int i = 0; i < kernel.Function.Parameters.Count; i++)
        {
            PtxVariable parameter = kernel.Function.Parameters[i];
            new ReadOnlySpan<byte>(arguments[i], (int)parameter.Bytes).CopyTo(packed.AsSpan((int)kernel.Layout.Offset(parameter)));
        }
        return packed;
    }

    /// <summary>What every call needs: a context, not yet lost.</summary>
    private void Enter([CallerMemberName] string call = "")
    {
        if (_current.Value == 0)
            throw Error(CudaResult.InvalidContext, "the thread has no current context", call);
        if (_firstFatal is { } fatal)
            throw new CudaException(call, fatal.Code, fatal.CodeName, "the context is lost.", isFatal: true, fatal);
    }

    private nint Add<T>(Dictionary<nint, T> handles, T value)
    {
        _nextHandle += 16;
        handles.Add(_nextHandle, value);
        return _nextHandle;
    }

    private T Get<T>(Dictionary<nint, T> handles, nint handle, string what, [CallerMemberName] string call = "") =>
        handles.TryGetValue(handle, out T? value)
        ? value
        : throw Error(CudaResult.InvalidHandle, $"0x{handle:x} is no {what}, or one that is gone", call);

    private CudaException Error(CudaResult result, string text, [CallerMemberName] string call = "") =>
        new(call, (int)result, Describe(result).Name, text + ".", result.IsSticky(), null);

    /// <summary>Does work whose kernels may fail, and keeps the first failure.</summary>
    private void Work(Action work, [CallerMemberName] string call = "")
    {
        try
        {
            work();
        }
        catch (DeviceFaultException fault)
        {
            Fault = fault;
            CudaResult result = fault.Kind switch
            {
                FaultKind.Misaligned => CudaResult.MisalignedAddress,
                FaultKind.Trap => CudaResult.IllegalInstruction,
                FaultKind.EndlessLoop => CudaResult.LaunchTimeout,
                FaultKind.OutOfBounds or FaultKind.NullPointer or FaultKind.UseAfterFree => CudaResult.IllegalAddress,
                _ => CudaResult.LaunchFailed,
            };
            _firstFatal = Error(result, fault.Message, call);
            throw _firstFatal;
        }
    }

    private CudaResult Quietly(Action work)
    {
        try
        {
            if (_firstFatal is not null)
                return (CudaResult)_firstFatal.Code;
            work();
            return CudaResult.Success;
        }
        catch (CudaException error)
        {
            return (CudaResult)error.Code;
        }
    }
}
