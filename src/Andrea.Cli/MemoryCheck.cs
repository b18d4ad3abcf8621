using Andrea.Cli.Doctor;
using Andrea.Cli.Rendering;
using Andrea.Cuda;
using Andrea.Gpt;
using Andrea.Training;

namespace Andrea.Cli;

/// <summary>Refuses what cannot fit into memory, before the system kills the process for it.</summary>
internal static class MemoryCheck
{
    /// <summary>About what training takes: four arenas of parameters, three for each snapshot of the spike guard, and the activations with their gradients.</summary>
    public static long TrainingBytes(GptConfig config, int batchSize, int tokenCount, SpikeGuardOptions? guard = null)
    {
        long rows = (long)batchSize * tokenCount;
        double activations = (double)rows * ((16.0 * config.LayerCount) + 12) * config.ChannelCount;
        activations += (double)LogitChunk.RowsFor(rows, config.VocabularySize, LogitChunk.DefaultBudget) * config.VocabularySize;
        double arenas = 4 + 3.0 * (guard is { WideCount: > 0 } ? guard.Snapshots : 0);
        double bytes = sizeof(float) * ((arenas * GptParameters.CreateLayout(config).ArenaLength) + activations);
        return (long)Math.Min(bytes, long.MaxValue / 2);
    }

    /// <summary>Throws when it does not fit.</summary>
    /// <param name="device">Where the memory will be taken: a GPU has its own, and others use it, too.</param>
    /// <param name="bytes">Bytes needed.</param>
    /// <param name="what">For what, to begin a sentence in the middle: "training chars".</param>
    /// <exception cref="CommandException">It does not fit.</exception>
    public static void Require(Device device, long bytes, string what)
    {
        var gpu = device.Backend as CudaBackend;
        long available = gpu?.Context.GetFreeBytes() ?? Machine.MemoryBytes;
        if (bytes > available)
            throw new CommandException(
                $"For {what} about {Units.Bytes(bytes)} of memory are needed, but "
                + (gpu is null ? $"this machine has {Units.Bytes(available)}" : $"of the GPU's {Units.Bytes(available)} are free")
                + "; choose a smaller preset, batch or context.");
    }
}
