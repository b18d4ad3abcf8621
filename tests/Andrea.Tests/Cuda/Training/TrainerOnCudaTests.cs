using Andrea.Clipping;
using Andrea.Cuda;
using Andrea.Monitoring;
using Andrea.Tests.Support;
using Andrea.Tests.Training;
using Andrea.Training;

namespace Andrea.Tests.Cuda.Training;

/// <summary>Whole runs on the CUDA backend: the CPU's course within rounding, every record in order though late, checkpoints for any device.</summary>
public class TrainerOnCudaTests
{
    public static TheoryData<string> Devices => [TestDevice.Emulator, TestDevice.Gpu];

    [Theory, MemberData(nameof(Devices))]
    public async Task Run_BesideTheReference_HasItsLossesAndClips(string name)
    {
        TrainerOptions options = SmallRun.Options with { MicroBatches = 2, EvaluateEvery = 5, EvaluationBatches = 2 };
        RecordLog expected = await Log("reference", options), actual = await Log(name, options);
        Assert.Equal(expected.Steps.Select(step => step.Step), actual.Steps.Select(step => step.Step));
        foreach ((StepRecord wanted, StepRecord got) in expected.Steps.Zip(actual.Steps))
        {
            Assert.Equal(wanted.Loss, got.Loss, Tolerance.TinyModelLoss);
            Assert.Equal(wanted.Clip.NormBefore, got.Clip.NormBefore, wanted.Clip.NormBefore * Tolerance.TinyModelNorm);
            Assert.Equal((wanted.Clip.Clipped, wanted.Clip.Call), (got.Clip.Clipped, got.Clip.Call));
            Assert.Equal(wanted.LearningRate, got.LearningRate);
        }
        Assert.Contains(actual.Steps, step => step.Clip.Clipped);
        Assert.Equal(expected.Evaluations.Count, actual.Evaluations.Count);
        Assert.Equal(expected.Evaluations[^1].Loss, actual.Evaluations[^1].Loss, Tolerance.TinyModelLoss);
    }

    [Theory, MemberData(nameof(Devices))]
    public async Task Resume_OnTheSameDevice_IsBitExact(string name)
    {
        using var folder = new TemporaryFolder();
        using TestDevice device = TestDevice.Open(name);
        var straightLog = new RecordLog();
        var resumedLog = new RecordLog();
        using Trainer straight = SmallRun.Create(device.Device, SmallRun.Options);
        await RunUntil(straight, 12, straightLog);
        using (Trainer stopped = SmallRun.Create(device.Device, SmallRun.Options with { RunFolder = folder["run"] }))
            await RunUntil(stopped, 5, resumedLog);
        using Trainer resumed = SmallRun.Resume(device.Device, folder["run"]);
        await RunUntil(resumed, 12, resumedLog);
        Assert.Equal(straight.Bits(), resumed.Bits());
        Assert.Equal(straightLog.Steps.Select(step => (step.Step, step.Loss, step.Clip)), resumedLog.Steps.Select(step => (step.Step, step.Loss, step.Clip)));
    }

    [Theory]
    [InlineData(TestDevice.Emulator, "cpu-2")]
    [InlineData("cpu-2", TestDevice.Emulator)]
    [InlineData(TestDevice.Gpu, "cpu-2")]
    [InlineData("cpu-2", TestDevice.Gpu)]
    public async Task Resume_OnAnotherDevice_TakesTheSameBitsAndGoesOnAlike(string from, string to)
    {
        using var folder = new TemporaryFolder();
        using TestDevice first = TestDevice.Open(from), second = TestDevice.Open(to);
        uint[] bits;
        using (Trainer stopped = SmallRun.Create(first.Device, SmallRun.Options with { RunFolder = folder["run"] }))
        {
            await RunUntil(stopped, 6, new RecordLog());
            bits = stopped.Bits();
        }
        RecordLog expected = await Log(from, SmallRun.Options), actual = new();
        using Trainer resumed = SmallRun.Resume(second.Device, folder["run"]);
        Assert.Equal(bits, resumed.Bits());
        await RunUntil(resumed, 12, actual);
        foreach ((StepRecord wanted, StepRecord got) in expected.Steps.Skip(6).Zip(actual.Steps))
            Assert.Equal(wanted.Loss, got.Loss, 2 * Tolerance.TinyModelLoss);
    }

    [Fact]
    public async Task Run_StepWithNaN_IsSkippedAndGoneOnFrom()
    {
        using TestDevice device = TestDevice.Open(TestDevice.Emulator);
        using Trainer trainer = SmallRun.Create(device.Device, SmallRun.Options);
        var log = new RecordLog();
        float cure = trainer.Curable();
        trainer.OnStep(record =>
        {
            if (record.Step == 4)
                trainer.Poison();
            else if (record.Clip.Skipped)
                trainer.Cure(cure);
        });
        await RunUntil(trainer, 12, log);
        // Results arrive late, so one more step may have been on its way than on a CPU.
        Assert.InRange(log.Steps.Count(step => step.Clip.SkipReason == SkipReason.NonFiniteGradients), 1, 2);
        Assert.All(trainer.Model.Parameters.Flat.ToArray(), value => Assert.True(float.IsFinite(value)));
        Assert.True(double.IsFinite(log.Steps[^1].Loss));
    }

    [Fact]
    public async Task Run_NothingButNaN_EndsWithTheExceptionAndEveryRecord()
    {
        using TestDevice device = TestDevice.Open(TestDevice.Emulator);
        TrainerOptions options = SmallRun.Options with { Steps = 40, Clip = SmallRun.Options.Clip with { MaxConsecutiveSkips = 5 } };
        using Trainer trainer = SmallRun.Create(device.Device, options);
        var log = new RecordLog();
        trainer.Observe(log);
        trainer.Poison();
        var error = await Assert.ThrowsAsync<NonFiniteGradientException>(() => trainer.RunAsync(TestContext.Current.CancellationToken));
        Assert.Equal(5, error.Result.ConsecutiveSkips);
        Assert.Equal([1, 2, 3, 4, 5], log.Steps.Select(step => (int)step.Step));
    }

    [Fact]
    public void Sample_AfterSteps_IsTheReferencesText()
    {
        string[] texts = [.. new[] { "reference", TestDevice.Emulator }.Select(name =>
        {
            using TestDevice device = TestDevice.Open(name);
            using Trainer trainer = SmallRun.Create(device.Device, SmallRun.Options);
            for (int i = 0; i < 12; i++)
                trainer.TrainStep();
            // Longer than the context, so that the cache is begun anew.
            return trainer.Sample("how ", tokenCount: 40);
        })];
        Assert.Equal(texts[0], texts[1]);
    }

    /// <summary>On a driver that does nothing but count: the host's side of a step.</summary>
    [Fact]
    public void Step_OverAndOver_NeitherWaitsForTheDeviceNorAllocates()
    {
        var driver = new FakeDriver();
        using Device device = CudaDevices.Open(driver);
        TrainerOptions options = SmallRun.Options with { Steps = 1000, MicroBatches = 3 };
        using Trainer trainer = SmallRun.Create(device, options);
        for (int i = 0; i < 40; i++)
            trainer.TrainStep();
        driver.Calls.Clear();
        trainer.TrainStep();
        // Events of uploads and of the step before last, long passed where the device keeps up; nothing that waits for this step.
        string[] waiting = ["SynchronizeStream", "SynchronizeContext", "CopyDeviceToHost", "CopyHostToDevice", "CopyDeviceToDevice", "AllocateMemory"];
        Assert.DoesNotContain(driver.Calls, call => waiting.Contains(call));
        Assert.Single(driver.Calls, "LaunchGraph");
        long made = ((CudaBackend)device.Backend).Context.Handle.Allocations.Total;
        driver.IsQuiet = true;
        Andrea.Tests.Cpu.Allocations.AssertNone(trainer.TrainStep);
        Assert.Equal(made, ((CudaBackend)device.Backend).Context.Handle.Allocations.Total);
    }

    /// <summary>Whatever does not fit: all that was allocated before is given back at once, so that a smaller model can be tried.</summary>
    [Fact]
    public void Create_OutOfMemoryAnywhere_HoldsNothing()
    {
        var driver = new FakeDriver();
        using Device device = CudaDevices.Open(driver);
        var allocations = ((CudaBackend)device.Backend).Context.Handle.Allocations;
        long before = allocations.Live;
        int failures = 0;
        for (bool done = false; !done;)
        {
            driver.Left = failures;
            try
            {
                using Trainer trainer = SmallRun.Create(device, SmallRun.Options);
                driver.Left = int.MaxValue;
                trainer.TrainStep();
                done = true;
            }
            catch (CudaException error)
            {
                Assert.Equal((int)Andrea.Cuda.Interop.CudaResult.OutOfMemory, error.Code);
                Assert.Equal(before, allocations.Live);
                failures++;
            }
        }
        Assert.True(failures > 20, $"only {failures} allocations could fail");
        Assert.Equal(0, allocations.Forgotten);
    }

    [Fact]
    public void Scratch_OutOfMemory_LeavesABackendThatWorks()
    {
        var driver = new FakeDriver();
        using Device device = CudaDevices.Open(driver);
        using var model = new Andrea.Gpt.GptModel(device, SmallRun.Config with { VocabularySize = 10 });
        using var small = new Andrea.Gpt.GptPass(model, 1, 4);
        using var large = new Andrea.Gpt.GptPass(model, 4, 16);
        small.ForwardBackward(new int[4], new int[4]);
        large.Forward(new int[64]);
        int left = 0;
        for (bool done = false; !done; left++)
        {
            driver.Left = left;
            try
            {
                large.ForwardBackward(new int[64], new int[64]);
                done = true;
            }
            catch (CudaException)
            {
                driver.Left = int.MaxValue;
                small.ForwardBackward(new int[4], new int[4]);
            }
        }
        Assert.True(left > 2, $"only {left} allocations could fail");
    }

    private static async Task<RecordLog> Log(string name, TrainerOptions options)
    {
        using TestDevice device = TestDevice.Open(name);
        using Trainer trainer = SmallRun.Create(device.Device, options);
        var log = new RecordLog();
        await RunUntil(trainer, options.Steps, log);
        return log;
    }

    /// <summary>To exactly that step; a run that is cancelled from an observer goes a step further where results come late.</summary>
    private static async Task RunUntil(Trainer trainer, long step, RecordLog log)
    {
        trainer.Observe(log);
        using var stop = new CancellationTokenSource();
        if (step < trainer.Options.Steps)
        {
            while (trainer.Step < step)
                trainer.TrainStep();
            await stop.CancelAsync();
        }
        // Takes the results under way, and writes the checkpoint.
        await trainer.RunAsync(stop.Token);
    }
}
