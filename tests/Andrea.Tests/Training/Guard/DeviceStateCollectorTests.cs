using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Training.Guard;

namespace Andrea.Tests.Training.Guard;

/// <summary>What clip policies and stabilizers remember goes into snapshots, and comes back out of them.</summary>
public class DeviceStateCollectorTests
{
    [Theory]
    [InlineData("zclip")]
    [InlineData("adagc")]
    public void Policy_GoneBackToASnapshot_RemembersWhatItDidThen(string kind)
    {
        using Device device = Device.Cpu(1);
        float[] gradients = [3, 4];
        using var set = new ExternalTensors().Add("w", gradients);
        using var clipper = new GradClipper(device, set, new GradClipperOptions { MaxNorm = 100, Policy = ClipPolicy.Create(kind) });
        Clip(clipper, gradients, steps: 130, size: 1);
        double[] then = Remembered(clipper);
        var collector = new DeviceStateCollector(device, 1);
        clipper.ShowMemory(collector);
        foreach (DeviceState state in collector.States)
            state.Capture(0);

        Clip(clipper, gradients, steps: 9, size: 2);
        Assert.NotEqual(then, Remembered(clipper));
        foreach (DeviceState state in collector.States)
            state.Restore(0);
        Assert.Equal(then, Remembered(clipper));
        Assert.Equal(2, collector.States.Count);
        collector.States.ForEach(state => state.Dispose());
    }

    [Fact]
    public void StableSpam_GoneBackToASnapshot_RemembersWhatItDidThen()
    {
        using Device device = Device.Cpu(1);
        float[] parameters = [1, 2], gradients = [3, 4];
        using ExternalTensors values = new ExternalTensors().Add("w", parameters), set = new ExternalTensors().Add("w", gradients);
        using var clipper = new GradClipper(device, set);
        using var optimizer = new AdamW(device, values, set, new AdamWOptions { Stabilizer = new StableSpamStabilizer() }, clipper);
        optimizer.Step(0.1);
        OptimizerProgress then = optimizer.ReadProgress();
        var collector = new DeviceStateCollector(device, 1);
        optimizer.ShowMemory(collector);
        foreach (DeviceState state in collector.States)
            state.Capture(0);

        gradients[0] = 30;
        optimizer.Step(0.1);
        Assert.NotEqual(then.Stabilizer, optimizer.ReadProgress().Stabilizer);
        foreach (DeviceState state in collector.States)
            state.Restore(0);
        Assert.Equal(then, optimizer.ReadProgress());
        collector.States.ForEach(state => state.Dispose());
    }

    private static void Clip(GradClipper clipper, float[] gradients, int steps, float size)
    {
        for (int step = 0; step < steps; step++)
        {
            // Norms that scatter, as ZClip's deviation needs.
            (gradients[0], gradients[1]) = (size, size * (step % 3));
            clipper.Clip();
        }
    }

    private static double[] Remembered(GradClipper clipper) => [.. clipper.ReadPolicyState()!.Values.OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair => pair.Value)];
}
