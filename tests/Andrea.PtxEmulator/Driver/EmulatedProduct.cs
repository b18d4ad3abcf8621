using System.Runtime.InteropServices;
using Andrea.Cuda.Interop;
using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Driver;

/// <summary>One product that <see cref="EmulatedCublasLt"/> enqueued: the arithmetic, and the faults that its kernel would have.</summary>
internal sealed class EmulatedProduct(
    EmulatedSearch search, float alpha, float beta, EmulatedCublasLt.Layout a, EmulatedCublasLt.Layout b, EmulatedCublasLt.Layout c,
    EmulatedCublasLt.Layout d, MatmulAddresses addresses, nint bias, nint workspace)
{
    // The real library's kernels load a bias in pieces of 16 bytes, whatever the search was told.
    private const int BiasAlignment = 16;

    private const string Place = "an emulated cublasLtMatmul";

    public void Run(DeviceMemory memory)
    {
        CheckAlignment(addresses.A, search.Alignments.A, "A");
        CheckAlignment(addresses.B, search.Alignments.B, "B");
        CheckAlignment(addresses.C, beta == 0 ? 1 : search.Alignments.C, "C");
        CheckAlignment(addresses.D, search.Alignments.D, "D");
        CheckAlignment(bias, BiasAlignment, "the bias");
        if (search.WorkspaceBytes > 0)
            FillWorkspace(memory);
        float[] left = Read(memory, addresses.A, a, "A", round: true), right = Read(memory, addresses.B, b, "B", round: true);
        float[] addend = beta == 0 ? [] : Read(memory, addresses.C, c, "C", round: false);
        float[] offsets = bias == 0 ? [] : Read(memory, bias, new(search.M, 1, search.M), "the bias", round: false);
        for (long column = 0; column < search.N; column++)
        {
            var result = new float[search.M];
            for (long row = 0; row < search.M; row++)
            {
                double sum = 0;
                for (long k = 0; k < search.K; k++)
                {
                    float x = search.TransposeA ? left[row * a.Rows + k] : left[k * a.Rows + row];
                    float y = search.TransposeB ? right[k * b.Rows + column] : right[column * b.Rows + k];
                    sum += (double)x * y;
                }
                double value = alpha * sum + (addend.Length > 0 ? beta * (double)addend[column * c.Rows + row] : 0);
                result[row] = (float)(value + (offsets.Length > 0 ? offsets[row] : 0.0));
            }
            Write(memory, addresses.D + (nint)(column * d.LeadingDimension * sizeof(float)), result);
        }
    }

    /// <summary>Ten bits of mantissa, to nearest.</summary>
    private static float ToTf32(float value) => float.IsFinite(value)
        ? BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) + 0x1000) & ~0x1FFFu)
        : value;

    private static void CheckAlignment(nint address, int alignment, string what)
    {
        if (address % alignment != 0)
            throw new DeviceFaultException(FaultKind.Misaligned, $"{what} at 0x{address:x} is not aligned to {alignment}", Place);
    }

    /// <summary>Whoever keeps something there loses it.</summary>
    private void FillWorkspace(DeviceMemory memory)
    {
        if (!memory.Contains((ulong)workspace, (ulong)search.WorkspaceBytes))
            throw new DeviceFaultException(FaultKind.OutOfBounds, $"{search.WorkspaceBytes} bytes of workspace at 0x{workspace:x} are not there", Place);
        memory.Fill((ulong)workspace, 0xff, checked((int)search.WorkspaceBytes));
    }

    /// <summary>The elements column by column, without the gaps between columns.</summary>
    private float[] Read(DeviceMemory memory, nint address, EmulatedCublasLt.Layout layout, string what, bool round)
    {
        var values = new float[layout.Rows * layout.Columns];
        int bytes = checked((int)layout.Rows * sizeof(float));
        for (long column = 0; column < layout.Columns; column++)
        {
            var at = (ulong)(address + (nint)(column * layout.LeadingDimension * sizeof(float)));
            if (!memory.Contains(at, (ulong)bytes))
                throw new DeviceFaultException(FaultKind.OutOfBounds, $"column {column} of {what} at 0x{at:x} is not there", Place);
            if (!memory.IsWritten(at, bytes))
                throw new DeviceFaultException(FaultKind.Uninitialized, $"column {column} of {what} at 0x{at:x} was never written", Place);
            memory.Read(at, MemoryMarshal.AsBytes(values.AsSpan((int)(column * layout.Rows), (int)layout.Rows)));
        }
        if (round && search.Compute == CublasCompute.Float32FastTf32)
            for (int i = 0; i < values.Length; i++)
                values[i] = ToTf32(values[i]);
        return values;
    }

    private static void Write(DeviceMemory memory, nint address, float[] values)
    {
        if (!memory.Contains((ulong)address, (ulong)values.Length * sizeof(float)))
            throw new DeviceFaultException(FaultKind.OutOfBounds, $"a column of D at 0x{address:x} is not there", Place);
        memory.Write((ulong)address, MemoryMarshal.AsBytes(values.AsSpan()));
    }
}
