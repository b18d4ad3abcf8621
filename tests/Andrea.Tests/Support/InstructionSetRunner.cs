using System.Diagnostics;
using System.Runtime.Intrinsics;

namespace Andrea.Tests.Support;

/// <summary>Computes a fingerprint in a child process on which part of the processor's instructions is switched off.</summary>
/// <remarks>
/// The runtime reads these switches when it starts, so a process of its own is the only way. A test that compares:
/// <code>
/// [Theory, MemberData(nameof(InstructionSetRunner.Narrower), MemberType = typeof(InstructionSetRunner))]
/// public void Exp_NarrowerVectors_SameBits(string instructionSet) =>
///     Assert.Equal(Fingerprint(), InstructionSetRunner.Fingerprint&lt;ExpTests&gt;(instructionSet));
/// </code>
/// with <c>ExpTests : IFingerprint</c>. A child starts in about a tenth of a second; without hardware intrinsics it also computes slowly
/// (a fused multiply-add becomes a call), so keep the work small.
/// </remarks>
internal static class InstructionSetRunner
{
    public const string ChildArgument = "fingerprint";

    private const int TimeoutMilliseconds = 120_000;

    /// <summary>Instruction sets below what this process uses: 256-bit vectors with FMA, 128-bit vectors without FMA, no vectors at all.</summary>
    public static TheoryData<string> Narrower => ["avx2", "sse", "scalar"];

    /// <summary>What <typeparamref name="T"/>'s fingerprint is in a process restricted to <paramref name="instructionSet"/>.</summary>
    /// <param name="instructionSet">One of <see cref="Narrower"/>, or <c>all</c>: nothing is switched off.</param>
    /// <param name="environment">Further variables of the child's environment; null removes one.</param>
    public static string Fingerprint<T>(string instructionSet, params ReadOnlySpan<(string Name, string? Value)> environment)
        where T : IFingerprint
    {
        // "dotnet exec Andrea.Tests.dll" or the app host Andrea.Tests: start whatever started this process.
        string host = Environment.ProcessPath!;
        var start = new ProcessStartInfo(host) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(host) == "dotnet")
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(typeof(InstructionSetRunner).Assembly.Location);
        }
        start.ArgumentList.Add(ChildArgument);
        start.ArgumentList.Add(typeof(T).FullName!);
        foreach (string name in SwitchedOff(instructionSet))
            start.Environment[name] = "0";
        foreach ((string name, string? value) in environment)
            start.Environment[name] = value;
        return Output(start);
    }

    /// <summary>The child's side: prints the fingerprint of the named type.</summary>
    /// <returns>The exit code of the process.</returns>
    public static int RunChild(string typeName)
    {
        Type type = Type.GetType(typeName, throwOnError: true)!;
        Func<string> print = Print<VectorSupport>;
        Console.Out.Write(print.Method.GetGenericMethodDefinition().MakeGenericMethod(type).Invoke(null, null));
        return 0;
    }

    private static string Print<T>()
        where T : IFingerprint => T.Fingerprint();

    private static string[] SwitchedOff(string instructionSet) => instructionSet switch
    {
        "all" => [],
        "avx2" => ["DOTNET_EnableAVX512"],
        "sse" => ["DOTNET_EnableAVX"],
        "scalar" => ["DOTNET_EnableHWIntrinsic"],
        _ => throw new ArgumentOutOfRangeException(nameof(instructionSet), instructionSet, "Expected all, avx2, sse or scalar."),
    };

    private static string Output(ProcessStartInfo start)
    {
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync();
        Task<string> output = child.StandardOutput.ReadToEndAsync();
        if (!child.WaitForExit(TimeoutMilliseconds))
        {
            child.Kill();
            Assert.Fail($"The child process did not end within {TimeoutMilliseconds / 1000} seconds.");
        }
        Assert.True(child.ExitCode == 0, $"The child process ended with code {child.ExitCode}: {errors.Result}");
        return output.Result;
    }

    /// <summary>Which vectors the runtime calls fast. Shows that a switch did what its name says.</summary>
    internal sealed class VectorSupport : IFingerprint
    {
        public static string Fingerprint() =>
            $"512 {Vector512.IsHardwareAccelerated}, 256 {Vector256.IsHardwareAccelerated}, 128 {Vector128.IsHardwareAccelerated}";
    }
}
