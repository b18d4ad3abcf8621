using System.Globalization;
using Andrea.Tests.Cpu;
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
            device, TrainerTests.SmallConfig, TrainerTests.Data, TrainerTests.SmallOptions with { RunFolder = folder.Path, Steps = 10_000 });
        // While the runtime still compiles what is hot, it allocates.
        Run(steps: 1000);
        return Allocations.OfAllThreads(() => Run(steps: 20)).ToString(CultureInfo.InvariantCulture);

        void Run(int steps)
        {
            for (int step = 0; step < steps; step++)
                trainer.TrainStep();
        }
    }

    [Fact]
    public void TrainStep_OnAllThreads_AllocatesNothing() => Assert.Equal("0", InstructionSetRunner.Fingerprint<StepAllocationTests>("all"));
}
