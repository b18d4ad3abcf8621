using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Execution;

/// <summary>Runs all blocks of a launch, on several cores where the blocks cannot see each other's order.</summary>
internal sealed class GridRunner
{
    private readonly KernelLaunch _launch;
    private readonly DeviceMemory _memory;
    private readonly LaunchOptions _options;
    private readonly int[] _order;
    private readonly Lock _lock = new();
    private int _next = -1;
    private long _executed;
    private Exception? _failure;
    private int _failedAt = int.MaxValue;

    private GridRunner(KernelLaunch launch, DeviceMemory memory, LaunchOptions options)
    {
        (_launch, _memory, _options) = (launch, memory, options);
        int blocks = checked((int)launch.Grid.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(options.OnlyBlock ?? 0, (uint)blocks);
        _order = options.OnlyBlock is { } only ? [(int)only] : ShuffledOrder.Of(blocks, options.Seed);
    }

    /// <summary>Runs a launch to its end.</summary>
    /// <returns>How many instructions were executed, if the options ask for it.</returns>
    /// <exception cref="DeviceFaultException">That of the earliest faulty block in the order of execution, on any number of cores.</exception>
    public static long Run(KernelLaunch launch, DeviceMemory memory, LaunchOptions options)
    {
        var runner = new GridRunner(launch, memory, options);
        int workers = launch.Kernel.NeedsBlockOrder ? 1 : Math.Min(options.Workers, runner._order.Length);
        var helpers = new Thread[Math.Max(workers - 1, 0)];
        for (int i = 0; i < helpers.Length; i++)
        {
            helpers[i] = new Thread(runner.RunBlocks);
            helpers[i].Start();
        }
        runner.RunBlocks();
        foreach (Thread helper in helpers)
            helper.Join();
        if (runner._failure is { } failure)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return runner._executed;
    }

    private void RunBlocks()
    {
        using var runner = new BlockRunner(_launch, _memory, _options);
        while (true)
        {
            // Blocks are handed out in order, so every block before a faulty one is run, and the earliest fault is always the same.
            int turn = Interlocked.Increment(ref _next);
            if (turn >= _order.Length || turn > Volatile.Read(ref _failedAt))
                break;
            try
            {
                runner.Run((ulong)_order[turn]);
            }
            catch (Exception failure)
            {
                lock (_lock)
                    if (turn < _failedAt)
                        (_failedAt, _failure) = (turn, failure);
                break;
            }
        }
        Interlocked.Add(ref _executed, runner.Executed);
    }
}
