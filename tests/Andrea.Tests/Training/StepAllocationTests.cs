using System.Globalization;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Training;

/// <summary>What all threads together allocate in a training step, in a child process of its own, since the count is the process's.</summary>
public class StepAllocationTests : IFingerprint
{
    static string IFingerprint.Fingerprint()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(3);
        using var trainer = new Trainer(
            device, TrainerTests.SmallConfig, TrainerTests.Data, TrainerTests.SmallOptions with { RunFolder = folder.Path, Steps = 1000 });
        long least = long.MaxValue;
        // The runtime allocates a little of its own now and then; never every time.
        for (int attempt = 0; attempt < 8 && least > 0; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int step = 0; step < 5; step++)
                trainer.TrainStep();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        return least.ToString(CultureInfo.InvariantCulture);
    }

    [Fact]
    public void TrainStep_OnAllThreads_AllocatesNothing() => Assert.Equal("0", InstructionSetRunner.Fingerprint<StepAllocationTests>("all"));
}
