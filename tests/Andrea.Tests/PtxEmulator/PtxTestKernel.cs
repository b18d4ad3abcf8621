using System.Runtime.InteropServices;
using Andrea.PtxEmulator;
using Andrea.PtxEmulator.Execution;

namespace Andrea.Tests.PtxEmulator;

/// <summary>A kernel written in a test: <c>%in</c> and <c>%out</c> point to 64-bit words, <c>%tid</c> is the thread's number in the grid.</summary>
internal sealed class PtxTestKernel(string body, Dimensions grid, Dimensions threads)
{
    /// <summary>Declarations before the kernel: variables of the module, functions.</summary>
    public string Module { get; init; } = "";

    public string Declarations { get; init; } = "";

    public long DynamicShared { get; init; }

    public LaunchOptions Options { get; init; } = new() { Workers = 1 };

    public string Text => $$"""
        {{PtxOperation.Header}}
        .file 1 "kernels/test.cu"
        {{Module}}
        .visible .entry k(.param .u64 from, .param .u64 to)
        {
        .reg .pred %p<8>; .reg .b16 %rs<8>; .reg .b32 %r<16>, %tid, %lane; .reg .b64 %rd<16>, %in, %out, %mine; .reg .f32 %f<16>; .reg .f64 %fd<8>;
        {{Declarations}}
        ld.param.u64 %in, [from]; ld.param.u64 %out, [to];
        mov.u32 %r0, %ctaid.x; mov.u32 %r1, %ntid.x; mov.u32 %tid, %tid.x; mad.lo.u32 %tid, %r0, %r1, %tid; mov.u32 %lane, %laneid;
        mad.wide.u32 %mine, %tid, 8, %out;
        .loc 1 42 0
        {{body}}
        ret;
        }
        """;

    public static PtxTestKernel OneThread(string body) => new(body, new(1), new(1));

    public static PtxTestKernel OneWarp(string body) => new(body, new(1), new(32));

    /// <summary>Runs the kernel on some words and gives the words it wrote; those it did not write are zero.</summary>
    public ulong[] Run(ulong[] input, int outputs)
    {
        using var device = new EmulatedDevice(Options);
        using LoadedModule module = device.Load(Text);
        ulong from = device.Memory.Allocate((ulong)Math.Max(input.Length, 1) * 8);
        ulong to = device.Memory.Allocate((ulong)outputs * 8);
        device.Memory.Write(from, MemoryMarshal.AsBytes<ulong>(input));
        device.Launch(module, "k", grid, threads, DynamicShared, PtxOperation.Arguments(from, to));
        var result = new ulong[outputs];
        device.Memory.Read(to, MemoryMarshal.AsBytes(result.AsSpan()));
        return result;
    }
}
