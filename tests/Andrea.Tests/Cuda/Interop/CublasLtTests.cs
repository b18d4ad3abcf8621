using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Andrea.Cuda;
using Andrea.Cuda.Interop;
using Andrea.Tests.Cuda.Linear;

namespace Andrea.Tests.Cuda.Interop;

/// <summary>The binding of cuBLASLt: what it shares with the library, and what a user reads when it is not there.</summary>
public class CublasLtTests
{
    [Fact]
    public void Structs_HaveTheLibrarysLayout()
    {
        Assert.Equal(64, Unsafe.SizeOf<MatmulAlgorithm>());
        Assert.Equal(96, Unsafe.SizeOf<MatmulHeuristic>());
        Assert.Equal(0, OffsetOf(nameof(MatmulHeuristic.Algorithm)));
        Assert.Equal(64, OffsetOf(nameof(MatmulHeuristic.WorkspaceBytes)));
        Assert.Equal(72, OffsetOf(nameof(MatmulHeuristic.State)));
        Assert.Equal(76, OffsetOf(nameof(MatmulHeuristic.Waves)));

        static int OffsetOf(string field) => (int)Marshal.OffsetOf<MatmulHeuristic>(field);
    }

    [Fact]
    public void Load_OfAnotherLibrary_IsRefused()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Loads a library of Linux.");
        var search = new LibrarySearch(["libc.so.6"], [], UseLoader: true);
        var error = Assert.Throws<CudaUnavailableException>(() => LibraryLoader.Load("cuBLASLt", search, "Install it.", library => CublasLt.Inspect(library)));
        Assert.Contains("libc.so.6: its cublasLtMatmul is missing, so it is no cuBLASLt", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void Library_WithoutAGpu_KnowsOurAttributes()
    {
        CublasLt library = CublasDevice.LibraryOrSkip();
        Assert.InRange(library.Version.Major, 12, 99);
        nint descriptor = library.CreateDescriptor(CublasCompute.Float32FastTf32, CublasDataType.Float32), preference = library.CreatePreference();
        nint layout = library.CreateLayout(CublasDataType.Float32, 3, 4, 5);
        int one = 1, four = 4;
        long large = 1 << 20;
        library.SetAttribute(descriptor, MatmulAttribute.TransposeA, &one, sizeof(int));
        library.SetAttribute(descriptor, MatmulAttribute.TransposeB, &one, sizeof(int));
        library.SetAttribute(descriptor, MatmulAttribute.Epilogue, &four, sizeof(int));
        library.SetAttribute(descriptor, MatmulAttribute.BiasPointer, &large, sizeof(long));
        library.SetAttribute(preference, MatmulPreference.MaxWorkspaceBytes, &large, sizeof(long));
        library.SetAttribute(preference, MatmulPreference.ReductionSchemeMask, &four, sizeof(int));
        for (MatmulPreference alignment = MatmulPreference.AlignmentOfA; alignment <= MatmulPreference.AlignmentOfD; alignment++)
            library.SetAttribute(preference, alignment, &four, sizeof(int));

        // Sizes are checked by the library, so the widths above are right.
        var error = Assert.Throws<CudaException>(() => SetShortPointer(library, descriptor));
        Assert.Equal(("CUBLAS_STATUS_INVALID_VALUE", (int)CublasStatus.InvalidValue), (error.CodeName, error.Code));
        Assert.StartsWith("cublasLtMatmulDescSetAttribute failed with CUBLAS_STATUS_INVALID_VALUE (7): ", error.Message, StringComparison.Ordinal);
        Assert.Equal(CublasStatus.Success, library.DestroyLayout(layout));
        Assert.Equal(CublasStatus.Success, library.DestroyPreference(preference));
        Assert.Equal(CublasStatus.Success, library.DestroyDescriptor(descriptor));
    }

    private static unsafe void SetShortPointer(CublasLt library, nint descriptor)
    {
        int value = 0;
        library.SetAttribute(descriptor, MatmulAttribute.BiasPointer, &value, sizeof(int));
    }
}
