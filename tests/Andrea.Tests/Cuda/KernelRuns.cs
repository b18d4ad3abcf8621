using Andrea.Cuda.Compilation;
using Andrea.PtxEmulator.Execution;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda;

/// <summary>What the tests of all layers' kernels do.</summary>
internal static class KernelRuns
{
    /// <summary>Where kernels run: the emulator, and this machine's GPU, without which a test skips.</summary>
    public static TheoryData<string> Devices => [TestDevice.Emulator, TestDevice.Gpu];

    /// <summary>Runs a test twice: with tensors off every alignment, which takes the scalar paths, and with aligned ones.</summary>
    public static void OnEitherAlignment(string name, Action<GuardedDevice> test)
    {
        foreach (int guard in (int[])[GuardedDevice.OddGuard, GuardedDevice.AlignedGuard])
        {
            using var device = new GuardedDevice(TestDevice.Open(name), guard);
            test(device);
        }
    }

    /// <summary>
    /// Fails unless results have the same bits whichever tensor, all alone, is off every alignment: a kernel that takes its vector path
    /// must have looked at each tensor.
    /// </summary>
    public static void AssertSameBitsWithAnyTensorUnaligned(string name, Func<GuardedDevice, float[][]> run)
    {
        using var device = new GuardedDevice(TestDevice.Open(name), GuardedDevice.AlignedGuard);
        float[][] expected = run(device);
        int tensors = device.TensorCount;
        Assert.True(tensors > 1);
        for (int i = 0; i < tensors; i++)
        {
            device.Unalign(i);
            Bits.AssertEqual($"{name}, tensor {i} unaligned", expected, run(device));
        }
    }

    /// <summary>Fails unless results have the same bits again, at any alignment, and in any order of blocks, warps and lanes; and on races.</summary>
    public static void AssertSameBitsAlways(string name, Func<GuardedDevice, float[][]> run)
    {
        using var natural = new GuardedDevice(name);
        float[][] expected = run(natural);
        Bits.AssertEqual($"{name}, again", expected, run(natural));
        using (var aligned = new GuardedDevice(TestDevice.Open(name), GuardedDevice.AlignedGuard))
            Bits.AssertEqual($"{name}, aligned", expected, run(aligned));
        if (name != TestDevice.Emulator)
            return;
        foreach (int guard in (int[])[GuardedDevice.OddGuard, GuardedDevice.AlignedGuard])
        {
            var options = new LaunchOptions { Seed = 20_240_607 + (ulong)guard, DetectRaces = true };
            using var shuffled = new GuardedDevice(TestDevice.OpenEmulator(options), guard);
            Bits.AssertEqual($"{name}, shuffled", expected, run(shuffled));
        }
    }

    /// <summary>Fails unless a kernel file has these constants, which the shapes of its launches were made for.</summary>
    public static void AssertDefines(string file, params ReadOnlySpan<string> constants)
    {
        string text = new KernelLibrary(null).Read(file).Text;
        foreach (string constant in constants)
            Assert.Contains($"constexpr int {constant};", text, StringComparison.Ordinal);
    }
}
