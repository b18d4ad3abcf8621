using System.Runtime.InteropServices;

namespace Andrea.Cuda.Interop;

/// <summary>The real cuBLASLt, of CUDA 12 or 13.</summary>
internal sealed unsafe partial class CublasLt : ICublasLt
{
    private const string Advice =
        "Install cuBLAS of CUDA 12 or 13: with the CUDA toolkit, or 'pip install nvidia-cublas-cu12', or on Debian and Ubuntu the package"
        + " libcublaslt12; and where it lies elsewhere, set " + LibrarySearch.CublasPathVariable + " to its folder.";

    private const int OldestMajor = 12;

    private CublasLt(LoadedLibrary library)
    {
        Library = library.Path;
        Version = VersionOf(Native.cublasLtGetVersion());
    }

    public string Library { get; }

    public Version Version { get; }

    /// <summary>Loads cuBLASLt, once for the process.</summary>
    /// <param name="newestMajor">The driver's CUDA version: a newer library does not start on it. By default any.</param>
    /// <exception cref="CudaUnavailableException">It is not installed, too old, or too new.</exception>
    public static CublasLt Load(int newestMajor = int.MaxValue) => Load(LibrarySearch.ForCublasLt(SearchPlaces.Here), newestMajor);

    internal static CublasLt Load(LibrarySearch search, int newestMajor = int.MaxValue) =>
        new(NativeLibraries.Connect(
            NativeLibraries.CublasLt,
            () => LibraryLoader.Load("cuBLASLt, NVIDIA's library of matrix products,", search, Advice, library => Inspect(library, newestMajor))));

    internal static string? Inspect(LoadedLibrary library, int newestMajor = int.MaxValue)
    {
        if (!NativeLibrary.TryGetExport(library.Handle, nameof(Native.cublasLtMatmul), out _)
            || !NativeLibrary.TryGetExport(library.Handle, nameof(Native.cublasLtGetVersion), out nint export))
            return "its cublasLtMatmul is missing, so it is no cuBLASLt";
        Version version = VersionOf(((delegate* unmanaged<nuint>)export)());
        return version.Major < OldestMajor ? $"its version is {version}; at least {OldestMajor}.0 is needed"
            : version.Major > newestMajor ? $"its version is {version}, but the driver is of CUDA {newestMajor}; install that cuBLAS, or a newer driver"
            : null;
    }

    public nint Create()
    {
        Check(Native.cublasLtCreate(out nint handle), nameof(Native.cublasLtCreate));
        return handle;
    }

    public CublasStatus Destroy(nint handle) => Native.cublasLtDestroy(handle);

    public nint CreateDescriptor(CublasCompute compute, CublasDataType scaleType)
    {
        Check(Native.cublasLtMatmulDescCreate(out nint descriptor, compute, scaleType), nameof(Native.cublasLtMatmulDescCreate));
        return descriptor;
    }

    public CublasStatus DestroyDescriptor(nint descriptor) => Native.cublasLtMatmulDescDestroy(descriptor);

    public void SetAttribute(nint descriptor, MatmulAttribute attribute, void* value, int bytes) => Check(
        Native.cublasLtMatmulDescSetAttribute(descriptor, attribute, value, (nuint)bytes), nameof(Native.cublasLtMatmulDescSetAttribute));

    public nint CreateLayout(CublasDataType type, long rows, long columns, long leadingDimension)
    {
        Check(
            Native.cublasLtMatrixLayoutCreate(out nint layout, type, (ulong)rows, (ulong)columns, leadingDimension),
            nameof(Native.cublasLtMatrixLayoutCreate));
        return layout;
    }

    public CublasStatus DestroyLayout(nint layout) => Native.cublasLtMatrixLayoutDestroy(layout);

    public nint CreatePreference()
    {
        Check(Native.cublasLtMatmulPreferenceCreate(out nint preference), nameof(Native.cublasLtMatmulPreferenceCreate));
        return preference;
    }

    public CublasStatus DestroyPreference(nint preference) => Native.cublasLtMatmulPreferenceDestroy(preference);

    public void SetAttribute(nint preference, MatmulPreference attribute, void* value, int bytes) => Check(
        Native.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, (nuint)bytes),
        nameof(Native.cublasLtMatmulPreferenceSetAttribute));

    public int FindAlgorithms(nint handle, nint descriptor, in MatmulLayouts layouts, nint preference, Span<MatmulHeuristic> found)
    {
        CublasStatus status;
        int count;
        fixed (MatmulHeuristic* results = found)
            status = Native.cublasLtMatmulAlgoGetHeuristic(
                handle, descriptor, layouts.A, layouts.B, layouts.C, layouts.D, preference, found.Length, results, out count);
        if (status == CublasStatus.NotSupported)
            return 0;
        Check(status, nameof(Native.cublasLtMatmulAlgoGetHeuristic));
        return count;
    }

    public void Multiply(
        nint handle, nint descriptor, float alpha, float beta, in MatmulLayouts layouts, in MatmulAddresses addresses,
        in MatmulAlgorithm algorithm, nint workspace, long workspaceBytes, nint stream)
    {
        CublasStatus status;
        fixed (MatmulAlgorithm* chosen = &algorithm)
            status = Native.cublasLtMatmul(
                handle, descriptor, &alpha, addresses.A, layouts.A, addresses.B, layouts.B, &beta, addresses.C, layouts.C,
                addresses.D, layouts.D, chosen, workspace, (nuint)workspaceBytes, stream);
        Check(status, nameof(Native.cublasLtMatmul));
    }

    private static Version VersionOf(nuint version) => new((int)(version / 10_000), (int)(version / 100 % 100), (int)(version % 100));

    private static void Check(CublasStatus status, string call)
    {
        if (status != CublasStatus.Success)
            Throw(status, call);
    }

    private static void Throw(CublasStatus status, string call)
    {
        string name = Marshal.PtrToStringUTF8(Native.cublasLtGetStatusName(status)) ?? "an unknown error";
        string text = Marshal.PtrToStringUTF8(Native.cublasLtGetStatusString(status)) ?? "see cuBLAS's documentation";
        throw new CudaException(call, (int)status, name, $"{text.TrimEnd('.')}.");
    }

    /// <summary>The library's functions under their own names.</summary>
    private static partial class Native
    {
        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial nuint cublasLtGetVersion();

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial nint cublasLtGetStatusName(CublasStatus status);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial nint cublasLtGetStatusString(CublasStatus status);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtCreate(out nint handle);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtDestroy(nint handle);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatmulDescCreate(out nint descriptor, CublasCompute compute, CublasDataType scaleType);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatmulDescDestroy(nint descriptor);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatmulDescSetAttribute(nint descriptor, MatmulAttribute attribute, void* value, nuint bytes);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatrixLayoutCreate(
            out nint layout, CublasDataType type, ulong rows, ulong columns, long leadingDimension);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatrixLayoutDestroy(nint layout);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatmulPreferenceCreate(out nint preference);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatmulPreferenceDestroy(nint preference);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatmulPreferenceSetAttribute(
            nint preference, MatmulPreference attribute, void* value, nuint bytes);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatmulAlgoGetHeuristic(
            nint handle, nint descriptor, nint layoutA, nint layoutB, nint layoutC, nint layoutD, nint preference, int wanted,
            MatmulHeuristic* results, out int count);

        [LibraryImport(NativeLibraries.CublasLt)]
        public static partial CublasStatus cublasLtMatmul(
            nint handle, nint descriptor, float* alpha, nint a, nint layoutA, nint b, nint layoutB, float* beta, nint c, nint layoutC,
            nint d, nint layoutD, MatmulAlgorithm* algorithm, nint workspace, nuint workspaceBytes, nint stream);
    }
}
