using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Cuda;
using Andrea.Tests.Support;

namespace Andrea.Tests.Optim;

/// <summary>AdamW over tensors that are all somebody else's, and whose gradients come and go.</summary>
public class ExternalAdamWTests
{
    private static readonly int[] Lengths = [70_000, 3, 1];

    public static TheoryData<string> Devices => ["reference", "cpu-2", TestDevice.Emulator, TestDevice.Gpu];

    [Theory, MemberData(nameof(Devices))]
    public void Step_GradientsAlwaysThere_HasTheBitsOfAdamW(string name)
    {
        using var ours = new Sets(name);
        using var clipper = new GradClipper(ours.Test.Device, ours.Gradients);
        using var optimizer = ours.Optimizer(clipper);
        using TestDevice plain = TestDevice.Open(name);
        using var gradients = new GradientSet(Sets.Values(1));
        using var parameters = new GradientSet(Sets.Values(2));
        ExternalTensors set = gradients.On(plain);
        using var plainClipper = new GradClipper(plain.Device, set);
        using var expected = new AdamW(
            plain.Device, parameters.On(plain), set, new AdamWOptions { Groups = [new("*", WeightDecay: 0.1)] }, plainClipper);
        for (int step = 0; step < 3; step++)
        {
            ours.Configure(optimizer, new AdamWTensorOptions(0.01 * (step + 1), WeightDecay: 0.1));
            optimizer.Step();
            expected.Step(0.01 * (step + 1));
        }
        parameters.Fetch();
        for (int i = 0; i < Lengths.Length; i++)
            Assert.Equal(parameters.Values[i], ours.Parameters[i].ToArray());
        Assert.Equal(1, optimizer.LaneCount);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Step_EachTensorAwayAtItsOwnTimes_CountsItsOwnSteps(string name)
    {
        bool[][] presence = [[true, true, true, true, true], [false, true, false, true, true], [true, true, false, false, true]];
        using var together = new Sets(name);
        using var optimizer = together.Optimizer();
        together.Configure(optimizer, new AdamWTensorOptions(0.01, WeightDecay: 0.1));
        for (int step = 0; step < 5; step++)
        {
            for (int i = 0; i < 3; i++)
                together.Gradients.Move(i, presence[i][step] ? together.GradientTensors[i].Address : 0);
            optimizer.Step();
        }
        var steps = new long[3];
        optimizer.ReadSteps(steps);
        Assert.Equal([5, 3, 3], steps);
        Assert.Equal(3, optimizer.LaneCount);
        // Each as if it were alone and had never been away.
        using var apart = new Sets(name);
        using var always = apart.Optimizer();
        apart.Configure(always, new AdamWTensorOptions(0.01, WeightDecay: 0.1));
        for (int step = 0; step < 5; step++)
        {
            if (step == 3)
                for (int i = 1; i < 3; i++)
                    Assert.Equal(apart.Parameters[i].ToArray(), together.Parameters[i].ToArray());
            always.Step();
        }
        Assert.Equal(apart.Parameters[0].ToArray(), together.Parameters[0].ToArray());
        Assert.Equal(apart.First[0].ToArray(), together.First[0].ToArray());
    }

    [Theory, MemberData(nameof(Devices))]
    public void Step_NonFiniteGradientElsewhere_SkipsAllAndCountsNothing(string name)
    {
        using var sets = new Sets(name);
        using var clipper = new GradClipper(sets.Test.Device, sets.Gradients);
        using var optimizer = sets.Optimizer(clipper);
        sets.Configure(optimizer, new AdamWTensorOptions(0.01));
        sets.Gradients.Move(1, 0);
        optimizer.Step();
        float[] before = sets.Parameters[0].ToArray();
        sets.GradientTensors[2].CopyFrom([float.NaN]);
        optimizer.Step();
        Assert.Equal(before, sets.Parameters[0].ToArray());
        sets.GradientTensors[2].CopyFrom([1]);
        optimizer.Step();
        Assert.NotEqual(before, sets.Parameters[0].ToArray());
        var steps = new long[3];
        optimizer.ReadSteps(steps);
        Assert.Equal([2, 0, 2], steps);
    }

    [Theory, MemberData(nameof(Devices))]
    public void RestoreSteps_IntoANewOptimizer_GoesOnWithTheSameBits(string name)
    {
        using var one = new Sets(name);
        using var whole = one.Optimizer();
        one.Configure(whole, new AdamWTensorOptions(0.01));
        one.Gradients.Move(2, 0);
        whole.Step();
        one.Gradients.Move(2, one.GradientTensors[2].Address);
        whole.Step();
        var steps = new long[3];
        whole.ReadSteps(steps);
        Assert.Equal([2, 2, 1], steps);
        // The same tensors, by another optimizer.
        using var resumed = one.Optimizer();
        resumed.RestoreSteps(steps);
        Assert.Equal(2, resumed.LaneCount);
        using var two = new Sets(name);
        for (int i = 0; i < 3; i++)
        {
            two.Parameters[i].CopyFrom(one.Parameters[i].ToArray());
            two.First[i].CopyFrom(one.First[i].ToArray());
            two.Second[i].CopyFrom(one.Second[i].ToArray());
        }
        using var copy = two.Optimizer();
        copy.RestoreSteps(steps);
        two.Configure(copy, new AdamWTensorOptions(0.01));
        whole.Step();
        copy.Step();
        for (int i = 0; i < 3; i++)
            Assert.Equal(one.Parameters[i].ToArray(), two.Parameters[i].ToArray());
    }

    [Theory, MemberData(nameof(Devices))]
    public void Configure_OtherBetasOnTheWay_AreThoseOfTheFormula(string name)
    {
        using var sets = new Sets(name);
        using var optimizer = sets.Optimizer();
        sets.Configure(optimizer, new AdamWTensorOptions(0.1));
        optimizer.Step();
        sets.Configure(optimizer, new AdamWTensorOptions(0.1, Beta1: 0.5));
        optimizer.Step();
        Assert.Equal(1, optimizer.LaneCount);
        double g = sets.GradientTensors[2].ToArray()[0], p = Sets.Values(2)[2][0], m = 0.1 * g, v = 0.001 * g * g;
        p -= 0.1 * (m / 0.1) / (Math.Sqrt(v / 0.001) + 1e-8);
        (m, v) = (0.5 * m + 0.5 * g, 0.999 * v + 0.001 * g * g);
        p -= 0.1 * (m / (1 - 0.25)) / (Math.Sqrt(v / (1 - 0.999 * 0.999)) + 1e-8);
        Assert.Equal(p, sets.Parameters[2].ToArray()[0], 1e-5);
        // One tensor's betas alone: its group parts, and its powers are those of the new betas, too.
        optimizer.Configure(2, new AdamWTensorOptions(0.1, Beta1: 0.25, Beta2: 0.99));
        optimizer.Step();
        Assert.Equal(2, optimizer.LaneCount);
        (m, v) = (0.25 * m + 0.75 * g, 0.99 * v + 0.01 * g * g);
        p -= 0.1 * (m / (1 - Math.Pow(0.25, 3))) / (Math.Sqrt(v / (1 - Math.Pow(0.99, 3))) + 1e-8);
        Assert.Equal(p, sets.Parameters[2].ToArray()[0], 1e-5);
    }

    [Theory]
    [InlineData("reference")]
    [InlineData(TestDevice.Emulator)]
    public void Step_EverythingMoved_WorksOnTheNewPlaces(string name)
    {
        using var sets = new Sets(name);
        using var optimizer = sets.Optimizer();
        sets.Configure(optimizer, new AdamWTensorOptions(0.1));
        optimizer.Step();
        float[] old = sets.Parameters[1].ToArray();
        Tensor moved = sets.Test.Tensor(old), m = sets.Test.Tensor(sets.First[1].ToArray()), v = sets.Test.Tensor(sets.Second[1].ToArray());
        sets.ParameterSet.Move(1, moved.Address);
        sets.FirstSet.Move(1, m.Address);
        sets.SecondSet.Move(1, v.Address);
        optimizer.Step();
        Assert.Equal(old, sets.Parameters[1].ToArray());
        using var other = new Sets(name);
        using var expected = other.Optimizer();
        other.Configure(expected, new AdamWTensorOptions(0.1));
        expected.Step();
        expected.Step();
        Assert.Equal(other.Parameters[1].ToArray(), moved.ToArray());
    }

    [Fact]
    public void Step_OverAndOver_AllocatesNothingAlsoWhenRatesAndAddressesChange()
    {
        using var sets = new Sets("cpu-2");
        using var clipper = new GradClipper(sets.Test.Device, sets.Gradients);
        using var optimizer = sets.Optimizer(clipper);
        Tensor other = sets.Test.Tensor(TestDevice.Normal(9, Lengths[0]));
        int turn = 0;
        void Step()
        {
            turn++;
            sets.Gradients.Move(0, turn % 2 == 0 ? other.Address : sets.GradientTensors[0].Address);
            sets.Gradients.Move(1, turn % 3 == 0 ? 0 : sets.GradientTensors[1].Address);
            for (int i = 0; i < 3; i++)
                optimizer.Configure(i, new AdamWTensorOptions(0.001 * turn));
            optimizer.Step();
        }
        for (int i = 0; i < 4; i++)
            Step();
        Allocations.AssertNone(Step);
    }

    [Fact]
    public void Step_OnAGpu_LaunchesOnceForEachGroupAndWaitsForNothing()
    {
        var driver = new FakeDriver();
        using Device device = CudaDevices.Open(driver, new CudaOptions { Stream = CudaOptions.LegacyDefaultStream });
        nint memory = driver.AllocateMemory(4096);
        ExternalTensors Set(int place) => new ExternalTensors().Add("a", memory + place * 1024, 10).Add("b", memory + place * 1024 + 512, 10);
        using ExternalTensors p = Set(0), g = Set(1), m = Set(2), v = Set(3);
        using var clipper = new GradClipper(device, g);
        using var optimizer = new ExternalAdamW(device, p, g, m, v, clipper);
        for (int i = 0; i < 40; i++)
        {
            g.Move(1, i % 2 == 0 ? 0 : memory + 1024 + 512);
            optimizer.Step();
        }
        driver.Calls.Clear();
        optimizer.Step();
        Assert.Equal(
            ["k_grad_norm_partial", "k_grad_norm_final", "k_adamw", "k_adamw", "CopyDeviceToHostAsync", "RecordEvent"],
            driver.Calls.Select(call => call.Split('<', '(')[0]));
        g.Move(1, 0);
        driver.Calls.Clear();
        optimizer.Step();
        Assert.Single(driver.Calls, call => call.StartsWith("k_adamw", StringComparison.Ordinal));
        Assert.DoesNotContain(driver.Calls, call => call.StartsWith("SynchronizeStream", StringComparison.Ordinal));
        driver.FreeMemory(memory);
    }

    [Fact]
    public void Create_SetsThatDoNotMatch_AreRefused()
    {
        using Device device = Device.Cpu(1);
        using var p = new ExternalTensors().Add("w", new float[2]);
        using var g = new ExternalTensors().Add("w", new float[2]);
        using var m = new ExternalTensors().Add("w", new float[2]);
        using var v = new ExternalTensors().Add("w", new float[3]);
        Assert.Contains("its second moment 'w' has 3", Assert.Throws<ArgumentException>(() => new ExternalAdamW(device, p, g, m, v)).Message, StringComparison.Ordinal);
        Assert.Contains("overlaps", Assert.Throws<ArgumentException>(() => new ExternalAdamW(device, p, g, m, m)).Message, StringComparison.Ordinal);
        using var other = new GradClipper(device, m);
        Assert.Contains("other gradients", Assert.Throws<ArgumentException>(() => new ExternalAdamW(device, p, g, m, m, other)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Configure_ImpossibleValues_AreRefusedByName()
    {
        using var sets = new Sets("cpu-1");
        using var optimizer = sets.Optimizer();
        foreach (AdamWTensorOptions options in (AdamWTensorOptions[])[new(-1), new(double.NaN), new(1, -1), new(1, Beta1: 1), new(1, Epsilon: 0)])
            Assert.Contains("'t1'", Assert.Throws<ArgumentOutOfRangeException>(() => optimizer.Configure(1, options)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => optimizer.RestoreSteps([1]));
        // Refused with a message, and before the lanes are dealt anew.
        Assert.Contains("-1 steps", Assert.Throws<ArgumentOutOfRangeException>(() => optimizer.RestoreSteps([1, -1, 1])).Message, StringComparison.Ordinal);
        Assert.Equal(1, optimizer.LaneCount);
    }

    [Fact]
    public void Step_AfterASetWasDisposed_IsRefused()
    {
        using var sets = new Sets("cpu-1");
        using var optimizer = sets.Optimizer();
        sets.FirstSet.Dispose();
        Assert.Throws<ObjectDisposedException>(optimizer.Step);
    }

    /// <summary>Four sets of three tensors in one device's memory.</summary>
    private sealed class Sets : IDisposable
    {
        public Sets(string device)
        {
            Test = TestDevice.Open(device);
            GradientTensors = Tensors(Values(1), Gradients);
            Parameters = Tensors(Values(2), ParameterSet);
            First = Tensors([.. Lengths.Select(length => new float[length])], FirstSet);
            Second = Tensors([.. Lengths.Select(length => new float[length])], SecondSet);
        }

        public TestDevice Test { get; }
        public ExternalTensors Gradients { get; } = new();
        public ExternalTensors ParameterSet { get; } = new();
        public ExternalTensors FirstSet { get; } = new();
        public ExternalTensors SecondSet { get; } = new();
        public Tensor[] GradientTensors { get; }
        public Tensor[] Parameters { get; }
        public Tensor[] First { get; }
        public Tensor[] Second { get; }

        public static float[][] Values(ulong seed) => [.. Lengths.Select((length, i) => TestDevice.Normal(seed * 10 + (ulong)i, length))];

        public ExternalAdamW Optimizer(GradClipper? clipper = null) => new(Test.Device, ParameterSet, Gradients, FirstSet, SecondSet, clipper);

        public void Configure(ExternalAdamW optimizer, AdamWTensorOptions options)
        {
            for (int i = 0; i < optimizer.Count; i++)
                optimizer.Configure(i, options);
        }

        public void Dispose() => Test.Dispose();

        private Tensor[] Tensors(float[][] values, ExternalTensors set)
        {
            Tensor[] tensors = [.. values.Select(v => Test.Tensor(v))];
            for (int i = 0; i < tensors.Length; i++)
                set.Add($"t{i}", tensors[i].Address, tensors[i].Length);
            return tensors;
        }
    }
}
