using System.Buffers.Binary;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Memory;
using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Translation;

namespace Andrea.PtxEmulator;

/// <summary>A module on an emulated device: its variables have addresses, its kernels are translated when they are first used.</summary>
internal sealed class LoadedModule : IDisposable
{
    private readonly PtxModule _module;
    private readonly DeviceMemory _memory;
    private readonly Dictionary<string, ulong> _addresses = [];
    private readonly Dictionary<string, long> _dynamicShared = [];

    public LoadedModule(PtxModule module, DeviceMemory memory)
    {
        (_module, _memory) = (module, memory);
        PtxVariable[] variables = [.. module.Variables.Values.Where(v => v.Space is PtxSpace.Global or PtxSpace.Constant)];
        foreach (PtxVariable variable in variables)
            _addresses.Add(variable.Name, memory.Allocate((ulong)variable.Bytes));
        foreach (PtxVariable variable in variables)
            memory.Write(_addresses[variable.Name], InitialValue(variable));
    }

    public PtxModule Module => _module;

    /// <summary>Whether the module has this kernel.</summary>
    public bool HasKernel(string name) =>
        _module.Functions.TryGetValue(name, out PtxFunction? function) && function is { IsEntry: true, HasBody: true };

    /// <summary>The address and size of a variable.</summary>
    public bool TryGetVariable(string name, out ulong address, out long bytes)
    {
        bool found = _addresses.TryGetValue(name, out address);
        bytes = found ? _module.Variables[name].Bytes : 0;
        return found;
    }

    /// <summary>A kernel as a method of this machine, translated at the first call.</summary>
    public TranslatedKernel Translate(string name, bool detectRaces = false, bool countInstructions = false)
    {
        if (!HasKernel(name))
            throw new ArgumentException($"The module has no kernel '{name}'; it has {string.Join(", ", _module.Functions.Keys)}.", nameof(name));
        TranslatedKernel kernel = TranslationCache.Get(_module, name, detectRaces, countInstructions);
        return kernel.Layout.StaticSharedBytes <= EmulatedDevice.UsualSharedBytes
            ? kernel
            : throw new PtxException(
                kernel.Function.Line, $"'{name}' declares {kernel.Layout.StaticSharedBytes} bytes of shared memory; beyond 48 KB it must be dynamic");
    }

    /// <summary>Lets a kernel's blocks have more shared memory than those that have not asked.</summary>
    public void AllowDynamicShared(string name, long bytes) => _dynamicShared[name] = bytes;

    /// <summary>Checks a launch against the kernel and the device.</summary>
    public KernelLaunch Prepare(string name, Dimensions grid, Dimensions threads, long dynamicShared, byte[] arguments, LaunchOptions options)
    {
        TranslatedKernel kernel = Translate(name, options.DetectRaces, options.CountInstructions);
        if (grid.Count is 0 or > int.MaxValue || grid.Y > ushort.MaxValue || grid.Z > ushort.MaxValue)
            throw new ArgumentException($"'{name}': the grid {grid} is empty or too large.", nameof(grid));
        ulong mostThreads = (ulong)(kernel.Function.MaxThreads == 0 ? EmulatedDevice.MaxThreads : kernel.Function.MaxThreads);
        if (threads.Count == 0 || threads.Count > mostThreads || threads.Z > 64)
            throw new ArgumentException($"'{name}': a block of {threads} threads; the kernel takes {mostThreads} at most.", nameof(threads));
        if (kernel.Function.RequiredThreads is { } required
            && (threads.X, threads.Y, threads.Z) != ((uint)required.X, (uint)required.Y, (uint)required.Z))
            throw new ArgumentException($"'{name}': a block of {threads} threads; the kernel requires {required}.", nameof(threads));
        if (arguments.Length != kernel.Layout.ParameterBytes)
            throw new ArgumentException($"'{name}': {arguments.Length} bytes of parameters, expected {kernel.Layout.ParameterBytes}.",
                nameof(arguments));
        ulong[] variables = [.. kernel.Layout.ModuleVariables.Select(variable => _addresses[variable.Name])];
        var launch = new KernelLaunch(kernel, _module, grid, threads, dynamicShared, arguments, variables);
        long usual = EmulatedDevice.UsualSharedBytes - kernel.Layout.StaticSharedBytes;
        long most = Math.Max(usual, _dynamicShared.GetValueOrDefault(name));
        return dynamicShared >= 0 && dynamicShared <= most && launch.SharedBytes <= EmulatedDevice.MaxSharedBytes
            ? launch
            : throw new ArgumentException(
                $"'{name}': {launch.SharedBytes} bytes of shared memory, {dynamicShared} of them dynamic; {most} may be.", nameof(dynamicShared));
    }

    public void Dispose()
    {
        foreach (ulong address in _addresses.Values)
            _memory.Free(address);
        _addresses.Clear();
    }

    private byte[] InitialValue(PtxVariable variable)
    {
        var value = new byte[variable.Bytes];
        variable.Initial?.CopyTo(value, 0);
        foreach (PtxRelocation relocation in variable.Relocations)
        {
            ulong target = _addresses.TryGetValue(relocation.Target, out ulong address)
                ? address
                : throw new ArgumentException($"The variable '{variable.Name}' points to '{relocation.Target}', which has no address.");
            BinaryPrimitives.WriteUInt64LittleEndian(value.AsSpan(relocation.Offset), target + (ulong)relocation.Addend);
        }
        return value;
    }
}
