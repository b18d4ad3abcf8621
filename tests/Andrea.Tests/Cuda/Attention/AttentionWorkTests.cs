using Andrea.PtxEmulator.Driver;
using Andrea.PtxEmulator.Execution;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Attention;

/// <summary>Later keys weigh nothing, so no kernel may visit them: results would be the same, at twice the work.</summary>
public class AttentionWorkTests
{
    [Theory]
    [InlineData(32, 37)]
    [InlineData(64, 45)]
    public void Attention_ManyTiles_VisitsKeysUpToItsQueriesOnly(int headSize, double most)
    {
        // Of the 64 pairs of eight tiles 36 count. In instructions that is 27 to 38 times a single tile, by head size, as its own fixed costs
        // come in; a forward pass over all pairs is 48 times or more, a backward pass 44, even if only the keys' gradient looks at them.
        (long forward, long backward) few = Count(64, headSize), many = Count(512, headSize);
        Assert.InRange((double)many.forward / few.forward, 20, most);
        Assert.InRange((double)many.backward / few.backward, 20, most);
    }

    private static (long Forward, long Backward) Count(int tokens, int headSize)
    {
        var driver = new EmulatedCudaDriver(options: new LaunchOptions { CountInstructions = true });
        using var device = new TestDevice(CudaDevices.Open(driver), driver);
        var problem = new AttentionCase(1, tokens, 1, headSize);
        (float[] output, float[] logSumExp) = problem.Forward(device);
        long forward = driver.Executed;
        problem.Backward(device, output, logSumExp);
        return (forward, driver.Executed - forward);
    }
}
