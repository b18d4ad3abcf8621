using System.Runtime.CompilerServices;
using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Execution;

/// <summary>Runs blocks one after another: each thread until it waits or ends, then whoever can go on.</summary>
internal sealed unsafe class BlockRunner : IDisposable
{
    private const int Ended = -1;

    private readonly KernelLaunch _launch;
    private readonly DeviceMemory _memory;
    private readonly LaunchOptions _options;
    private readonly ThreadBlock _block;
    private readonly int[] _waitsAt;
    private readonly WarpMeeting _warps;
    private readonly BlockMeeting _barriers;
    private readonly RaceDetector? _races;
    private readonly KernelEntry _entry;

    public BlockRunner(KernelLaunch launch, DeviceMemory memory, LaunchOptions options)
    {
        (_launch, _memory, _options) = (launch, memory, options);
        _block = new ThreadBlock(launch, memory);
        _entry = launch.Kernel.Entry;
        _waitsAt = new int[_block.Count];
        _races = options.DetectRaces ? new RaceDetector(_block.Count) : null;
        for (int i = 0; i < _block.Count; i++)
            _block.Frames[i].LoopBudget = options.LoopLimit;
        _warps = new WarpMeeting(launch.Kernel.WaitPoints, _block, _waitsAt, _races);
        _barriers = new BlockMeeting(launch, _block, _waitsAt);
    }

    public long Executed
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _block.Count; i++)
                sum += _block.Frames[i].Executed;
            return sum;
        }
    }

    /// <summary>Runs one block to its end.</summary>
    /// <exception cref="DeviceFaultException">A thread did something wrong.</exception>
    public void Run(ulong number)
    {
        Dimensions index = _launch.Grid.At(number);
        _block.Begin(index);
        _races?.Begin((ulong)_launch.SharedBytes);
        RaceDetector.Attach(_races);
        _barriers.Begin();
        Array.Clear(_waitsAt);
        ulong seed = ShuffledOrder.Derive(_options.Seed, number + 1);
        int[] warps = ShuffledOrder.Of(_block.Warps, seed);
        int[] lanes = ShuffledOrder.Of(ThreadBlock.WarpSize, ShuffledOrder.Derive(seed, 1));
        while (true)
        {
            bool all = true;
            foreach (int warp in warps)
                all &= RunWarp(warp, lanes);
            if (all)
                return;
            if (!_barriers.TryRelease())
                throw _barriers.Explain();
            _races?.BlockSynchronized();
        }
    }

    public void Dispose()
    {
        RaceDetector.Attach(null);
        _block.Dispose();
    }

    /// <summary>Runs a warp until all its threads have ended or wait for other warps.</summary>
    /// <returns>Whether all have ended.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool RunWarp(int warp, int[] lanes)
    {
        int first = warp * ThreadBlock.WarpSize;
        do
        {
            foreach (int lane in lanes)
                if (first + lane < _block.Count && _waitsAt[first + lane] == 0)
                    RunThread(first + lane);
            if (_launch.Kernel.WaitPoints.Length == 0)
                return true;
        }
        while (Meet(warp));
        for (int i = first; i < Math.Min(first + ThreadBlock.WarpSize, _block.Count); i++)
            if (_waitsAt[i] != Ended)
                return false;
        return true;
    }

    private bool Meet(int warp)
    {
        try
        {
            return _warps.TryRelease(warp);
        }
        catch (ThreadFault fault)
        {
            throw Located(fault, _warps.FaultingThread);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunThread(int thread)
    {
        ThreadFrame* frame = _block.Frames + thread;
        try
        {
            int status = _entry(frame);
            _waitsAt[thread] = status == 0 ? Ended : status;
        }
        catch (ThreadFault fault)
        {
            throw Located(fault, thread);
        }
        catch (GlobalAccessFault fault)
        {
            (FaultKind kind, string what) = GlobalFaultText.Explain(_memory, fault);
            throw Located(new ThreadFault(kind, fault.Instruction, what), thread);
        }
    }

    private DeviceFaultException Located(ThreadFault fault, int thread) =>
        new(fault.Kind, fault.Message, _launch.Place(fault.Instruction, _block.Index, _launch.Threads.At((ulong)thread)));
}
