using System.Runtime.CompilerServices;
using Andrea.Cuda;
using Andrea.Cuda.Interop;

namespace Andrea.PtxEmulator.Driver;

/// <summary>
/// cuBLASLt over the emulator's memory: column-major products of float32 with everything that Andrea asks for, done in stream order, and
/// every call refused that the real library would refuse, or that it would answer with undefined results.
/// </summary>
/// <remarks>An algorithm serves only the product it was found for, and needs its addresses exactly as aligned as the search promised.</remarks>
internal sealed unsafe class EmulatedCublasLt(EmulatedCudaDriver driver) : ICublasLt
{
    // Inner dimensions from here on are split, if there is a workspace for the parts.
    private const int SplitFrom = 32;

    // Says that an algorithm is one of ours.
    private const ulong Mark = 0xA16_0_C0DE;

    private readonly HashSet<nint> _handles = [];
    private readonly Dictionary<nint, Descriptor> _descriptors = [];
    private readonly Dictionary<nint, Layout> _layouts = [];
    private readonly Dictionary<nint, Preference> _preferences = [];
    private readonly List<EmulatedSearch> _searches = [];
    private nint _next = 0x5000;

    public string Library => "the emulated cuBLASLt";

    public Version Version => new(12, 4, 5);

    /// <summary>Everything made and not destroyed.</summary>
    public int AliveCount => _handles.Count + _descriptors.Count + _layouts.Count + _preferences.Count;

    /// <summary>Every search for an algorithm, in order.</summary>
    public IReadOnlyList<EmulatedSearch> Searches => _searches;

    /// <summary>Products enqueued.</summary>
    public int MultiplyCount { get; private set; }

    /// <summary>Products for which no algorithm is found.</summary>
    public Func<EmulatedSearch, bool> FindsNothingFor { get; set; } = _ => false;

    /// <summary>Products whose algorithm turns out not to work.</summary>
    public Func<EmulatedSearch, bool> FailsToRun { get; set; } = _ => false;

    public nint Create()
    {
        driver.RequireContext();
        _next += 16;
        _handles.Add(_next);
        return _next;
    }

    public CublasStatus Destroy(nint handle) => _handles.Remove(handle) ? CublasStatus.Success : CublasStatus.NotInitialized;

    public nint CreateDescriptor(CublasCompute compute, CublasDataType scaleType)
    {
        Require(compute is CublasCompute.Float32 or CublasCompute.Float32FastTf32, $"the emulator knows no compute type {(int)compute}");
        Require(scaleType == CublasDataType.Float32, $"products in float32 have scalars in float32, not {(int)scaleType}");
        return Add(_descriptors, new Descriptor { Compute = compute });
    }

    public CublasStatus DestroyDescriptor(nint descriptor) => Remove(_descriptors, descriptor);

    public void SetAttribute(nint descriptor, MatmulAttribute attribute, void* value, int bytes)
    {
        Descriptor target = Get(_descriptors, descriptor, "descriptor");
        Require(bytes == (attribute == MatmulAttribute.BiasPointer ? sizeof(nint) : sizeof(int)), $"{attribute} has not {bytes} bytes");
        switch (attribute)
        {
            case MatmulAttribute.TransposeA:
                target.TransposeA = Operation(*(int*)value);
                break;
            case MatmulAttribute.TransposeB:
                target.TransposeB = Operation(*(int*)value);
                break;
            case MatmulAttribute.Epilogue:
                target.Epilogue = *(MatmulEpilogue*)value;
                Require(target.Epilogue is MatmulEpilogue.Default or MatmulEpilogue.Bias, $"the emulator knows no epilogue {target.Epilogue}");
                break;
            case MatmulAttribute.BiasPointer:
                target.Bias = *(nint*)value;
                break;
            default:
                throw Error(CublasStatus.InvalidValue, $"the emulator knows no attribute {(int)attribute}");
        }
    }

    public nint CreateLayout(CublasDataType type, long rows, long columns, long leadingDimension)
    {
        Require(type == CublasDataType.Float32, $"the emulator knows no element type {(int)type}");
        Require(rows > 0 && columns > 0, $"a matrix cannot be {rows} x {columns}");
        // The real library says so when an algorithm is searched for.
        Require(leadingDimension >= rows, $"columns {leadingDimension} apart overlap when they have {rows} elements");
        return Add(_layouts, new Layout(rows, columns, leadingDimension));
    }

    public CublasStatus DestroyLayout(nint layout) => Remove(_layouts, layout);

    public nint CreatePreference() => Add(_preferences, new Preference());

    public CublasStatus DestroyPreference(nint preference) => Remove(_preferences, preference);

    public void SetAttribute(nint preference, MatmulPreference attribute, void* value, int bytes)
    {
        Preference target = Get(_preferences, preference, "preference");
        Require(bytes == (attribute == MatmulPreference.MaxWorkspaceBytes ? sizeof(ulong) : sizeof(uint)), $"{attribute} has not {bytes} bytes");
        switch (attribute)
        {
            case MatmulPreference.MaxWorkspaceBytes:
                target.WorkspaceBytes = *(long*)value;
                break;
            case MatmulPreference.ReductionSchemeMask:
                target.Schemes = *(ReductionSchemes*)value;
                break;
            case >= MatmulPreference.AlignmentOfA and <= MatmulPreference.AlignmentOfD:
                int alignment = *(int*)value;
                Require(alignment > 0 && int.IsPow2(alignment), $"{alignment} is no alignment");
                target.Alignments[attribute - MatmulPreference.AlignmentOfA] = alignment;
                break;
            default:
                throw Error(CublasStatus.InvalidValue, $"the emulator knows no preference {(int)attribute}");
        }
    }

    public int FindAlgorithms(nint handle, nint descriptor, in MatmulLayouts layouts, nint preference, Span<MatmulHeuristic> found)
    {
        Require(_handles.Contains(handle), "the library was not started, or is destroyed");
        Require(found.Length > 0, "no algorithm was asked for");
        Preference wishes = Get(_preferences, preference, "preference");
        EmulatedSearch search = Describe(descriptor, layouts) with
        {
            MaxWorkspaceBytes = wishes.WorkspaceBytes,
            Schemes = wishes.Schemes,
            Alignments = (wishes.Alignments[0], wishes.Alignments[1], wishes.Alignments[2], wishes.Alignments[3]),
        };
        long parts = search.M * search.N * sizeof(float);
        bool isSplit = search.K >= SplitFrom && search.Schemes.HasFlag(ReductionSchemes.ComputeType) && parts <= search.MaxWorkspaceBytes;
        search = search with { WorkspaceBytes = isSplit ? parts : 0 };
        _searches.Add(search);
        if (FindsNothingFor(search))
            return 0;
        // The best candidate does not work, as now and then with the real library.
        int count = 0;
        if (found.Length > 1)
            found[count++] = new MatmulHeuristic { State = CublasStatus.NotSupported };
        ref MatmulHeuristic result = ref found[count++];
        result = new MatmulHeuristic { State = CublasStatus.Success, WorkspaceBytes = (nuint)search.WorkspaceBytes, Waves = 1 };
        (result.Algorithm[0], result.Algorithm[1]) = (Mark, (ulong)(_searches.Count - 1));
        return count;
    }

    public void Multiply(
        nint handle, nint descriptor, float alpha, float beta, in MatmulLayouts layouts, in MatmulAddresses addresses,
        in MatmulAlgorithm algorithm, nint workspace, long workspaceBytes, nint stream)
    {
        driver.RequireContext();
        Require(_handles.Contains(handle), "the library was not started, or is destroyed");
        Require(algorithm[0] == Mark, "the algorithm comes from nowhere");
        EmulatedSearch found = _searches[(int)algorithm[1]], asked = Describe(descriptor, layouts);
        Require(
            asked with { MaxWorkspaceBytes = found.MaxWorkspaceBytes, WorkspaceBytes = found.WorkspaceBytes, Schemes = found.Schemes, Alignments = found.Alignments }
                == found,
            $"the algorithm is for {found}, not for {asked}");
        Require(addresses.A != 0 && addresses.B != 0 && addresses.D != 0 && (beta == 0 || addresses.C != 0), "a matrix has no address");
        Require(addresses.D != addresses.A && addresses.D != addresses.B, "D lies over a factor");
        Require(workspaceBytes >= found.WorkspaceBytes, $"the algorithm needs a workspace of {found.WorkspaceBytes} bytes, not {workspaceBytes}");
        Require(found.WorkspaceBytes == 0 || (workspace != 0 && workspace % 256 == 0), "the workspace must be aligned to 256");
        Require(addresses.C != addresses.D || layouts.C == layouts.D, "D is C, but their layouts are different objects");
        if (FailsToRun(found))
            throw Error(CublasStatus.NotSupported, "the test wished so");
        Descriptor description = _descriptors[descriptor];
        var product = new EmulatedProduct(
            found, alpha, beta, _layouts[layouts.A], _layouts[layouts.B], _layouts[layouts.C], _layouts[layouts.D], addresses,
            description.Epilogue == MatmulEpilogue.Bias ? description.Bias : 0, workspace);
        MultiplyCount++;
        driver.EnqueueLibraryWork(stream, product.Run);
    }

    private static bool Operation(int value) => value is 0 or 1 ? value == 1 : throw Error(CublasStatus.InvalidValue, $"{value} is no operation on reals");

    private EmulatedSearch Describe(nint descriptor, in MatmulLayouts layouts)
    {
        Descriptor product = Get(_descriptors, descriptor, "descriptor");
        Layout a = Get(_layouts, layouts.A, "layout"), b = Get(_layouts, layouts.B, "layout");
        Layout c = Get(_layouts, layouts.C, "layout"), d = Get(_layouts, layouts.D, "layout");
        (long m, long inner) = product.TransposeA ? (a.Columns, a.Rows) : (a.Rows, a.Columns);
        (long otherInner, long n) = product.TransposeB ? (b.Columns, b.Rows) : (b.Rows, b.Columns);
        Require(
            inner == otherInner && (d.Rows, d.Columns) == (m, n) && (c.Rows, c.Columns) == (m, n),
            $"op(A) is {m} x {inner}, op(B) {otherInner} x {n}, C {c.Rows} x {c.Columns}, D {d.Rows} x {d.Columns}");
        Require(product.Epilogue != MatmulEpilogue.Bias || product.Bias != 0, "the bias has no address");
        return new EmulatedSearch(product.Compute, product.TransposeA, product.TransposeB, m, n, inner, product.Epilogue == MatmulEpilogue.Bias)
        {
            LeadingDimensions = (a.LeadingDimension, b.LeadingDimension, c.LeadingDimension, d.LeadingDimension),
        };
    }

    private nint Add<T>(Dictionary<nint, T> things, T thing)
    {
        _next += 16;
        things.Add(_next, thing);
        return _next;
    }

    private static T Get<T>(Dictionary<nint, T> things, nint handle, string what) =>
        things.TryGetValue(handle, out T? thing) ? thing : throw Error(CublasStatus.InvalidValue, $"0x{handle:x} is no {what}, or one that is gone");

    private static CublasStatus Remove<T>(Dictionary<nint, T> things, nint handle) =>
        things.Remove(handle) ? CublasStatus.Success : CublasStatus.InvalidValue;

    private static void Require(bool condition, string otherwise, [CallerMemberName] string call = "")
    {
        if (!condition)
            throw Error(CublasStatus.InvalidValue, otherwise, call);
    }

    private static CudaException Error(CublasStatus status, string text, [CallerMemberName] string call = "") =>
        new(call, (int)status, status == CublasStatus.NotSupported ? "CUBLAS_STATUS_NOT_SUPPORTED" : "CUBLAS_STATUS_INVALID_VALUE", text + ".");

    /// <summary>A column-major matrix.</summary>
    internal sealed record Layout(long Rows, long Columns, long LeadingDimension);

    private sealed class Descriptor
    {
        public CublasCompute Compute { get; init; }
        public bool TransposeA { get; set; }
        public bool TransposeB { get; set; }
        public MatmulEpilogue Epilogue { get; set; } = MatmulEpilogue.Default;
        public nint Bias { get; set; }
    }

    /// <summary>With the real library's defaults.</summary>
    private sealed class Preference
    {
        public long WorkspaceBytes { get; set; }
        public ReductionSchemes Schemes { get; set; } = ReductionSchemes.InPlace | ReductionSchemes.ComputeType | ReductionSchemes.OutputType;
        public int[] Alignments { get; } = [256, 256, 256, 256];
    }
}

/// <summary>What an algorithm was searched for: D (M x N) = op(A) (M x K) op(B) (K x N), and the wishes.</summary>
internal sealed record EmulatedSearch(CublasCompute Compute, bool TransposeA, bool TransposeB, long M, long N, long K, bool HasBias)
{
    public (long A, long B, long C, long D) LeadingDimensions { get; init; }

    public (int A, int B, int C, int D) Alignments { get; init; }

    public ReductionSchemes Schemes { get; init; }

    public long MaxWorkspaceBytes { get; init; }

    /// <summary>What the algorithm that was found needs.</summary>
    public long WorkspaceBytes { get; init; }
}
