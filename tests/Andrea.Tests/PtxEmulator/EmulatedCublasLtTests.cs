using Andrea.Cuda;
using Andrea.Cuda.Interop;
using Andrea.PtxEmulator.Driver;

namespace Andrea.Tests.PtxEmulator;

/// <summary>The emulated cuBLASLt: hand-worked products, and what it refuses.</summary>
public sealed unsafe class EmulatedCublasLtTests : IDisposable
{
    private readonly EmulatedCudaDriver _driver = new();
    private readonly EmulatedCublasLt _library;
    private readonly nint _stream, _handle, _memory;

    public EmulatedCublasLtTests()
    {
        _driver.Initialize();
        _driver.SetCurrentContext(_driver.RetainPrimaryContext(0));
        _library = new EmulatedCublasLt(_driver);
        _stream = _driver.CreateStream();
        _handle = _library.Create();
        _memory = _driver.AllocateMemory(4096);
        float[] numbers = [.. Enumerable.Range(0, 1024).Select(i => (float)i)];
        fixed (float* source = numbers)
            _driver.CopyHostToDevice(_memory, source, 4096);
        _driver.SynchronizeStream(0);
    }

    [Fact]
    public void Multiply_ColumnsApart_IsTheHandWorkedProduct()
    {
        // A = (1 3; 2 4) in columns 4 apart, B = (10 12; 11 13) in columns 3 apart.
        Write(0, 1, 2, 0, 0, 3, 4);
        Write(64, 10, 11, 0, 12, 13);
        Write(128, 100, 200, -1, 300, 400, -1);
        Multiply(Plan(Layout(2, 2, 4), Layout(2, 2, 3), Layout(2, 2, 3)), beta: 2);
        Assert.Equal([43 + 200, 64 + 400, -1, 51 + 600, 76 + 800, -1], Read(128, 6));
    }

    [Fact]
    public void Multiply_TransposedWithBias_IsTheHandWorkedProduct()
    {
        // op(A) = (1 2; 3 4; 5 6) read from its transpose, B = (1; 10), bias (1000, 2000, 3000).
        Write(0, 1, 2, 3, 4, 5, 6);
        Write(64, 1, 10);
        Write(192, 1000, 2000, 3000);
        Multiply(Plan(Layout(2, 3, 2), Layout(2, 1, 2), Layout(3, 1, 3), transposeA: true, bias: At(192)));
        Assert.Equal([1021, 2043, 3065], Read(128, 3));
    }

    [Fact]
    public void Multiply_IsDoneInStreamOrder()
    {
        Write(0, 2);
        Write(64, 3);
        Multiply(Plan(Layout(1, 1, 1), Layout(1, 1, 1), Layout(1, 1, 1)), wait: false);
        Assert.Equal([128], Read(128, 1));
        _driver.SynchronizeStream(_stream);
        Assert.Equal([6], Read(128, 1));
    }

    [Fact]
    public void Multiply_Tf32_RoundsFactors()
    {
        Write(0, 1 + 1f / 1024, 1 + 1f / 4096);
        Write(64, 1);
        Multiply(Plan(Layout(2, 1, 2), Layout(1, 1, 1), Layout(2, 1, 2), CublasCompute.Float32FastTf32));
        Assert.Equal([1 + 1f / 1024, 1], Read(128, 2));
    }

    [Fact]
    public void Layout_ColumnsOverlap_IsRefused() => AssertInvalid(() => Layout(4, 2, 3));

    [Fact]
    public void Layout_Empty_IsRefused() => AssertInvalid(() => Layout(0, 2, 3));

    [Fact]
    public void Search_SizesDisagree_IsRefused() => AssertInvalid(() => Plan(Layout(2, 3, 2), Layout(4, 2, 4), Layout(2, 2, 2)));

    [Fact]
    public void Search_AfterDestroy_IsRefused()
    {
        Assert.Equal(CublasStatus.Success, _library.Destroy(_handle));
        AssertInvalid(() => Plan(Layout(1, 1, 1), Layout(1, 1, 1), Layout(1, 1, 1)));
        Assert.NotEqual(CublasStatus.Success, _library.Destroy(_handle));
    }

    [Fact]
    public void Multiply_AlgorithmOfAnotherProduct_IsRefused()
    {
        PlannedProduct one = Plan(Layout(2, 2, 2), Layout(2, 2, 2), Layout(2, 2, 2)), other = Plan(Layout(2, 1, 2), Layout(1, 2, 1), Layout(2, 2, 2));
        AssertInvalid(() => Multiply(one with { Algorithm = other.Algorithm }));
        AssertInvalid(() => Multiply(one with { Algorithm = default }));
    }

    [Fact]
    public void Multiply_WithoutAContext_IsRefused()
    {
        PlannedProduct product = Plan(Layout(1, 1, 1), Layout(1, 1, 1), Layout(1, 1, 1));
        _driver.SetCurrentContext(0);
        Assert.Equal((int)CudaResult.InvalidContext, Assert.Throws<CudaException>(() => Multiply(product)).Code);
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(256, true)]
    public void Multiply_LessAlignedThanPromised_Faults(int promised, bool faults)
    {
        PlannedProduct product = Plan(Layout(1, 1, 1), Layout(1, 1, 1), Layout(1, 1, 1), alignment: promised);
        Multiply(product, wait: false, shift: 4);
        if (faults)
            Assert.Contains("is not aligned to 256", Assert.Throws<CudaException>(() => _driver.SynchronizeStream(_stream)).Message, StringComparison.Ordinal);
        else
            _driver.SynchronizeStream(_stream);
    }

    [Fact]
    public void Multiply_WorkspaceTooSmall_IsRefused()
    {
        PlannedProduct product = Plan(Layout(2, 64, 2), Layout(64, 2, 64), Layout(2, 2, 2), workspace: 4096);
        Assert.Equal(16, Assert.Single(_library.Searches).WorkspaceBytes);
        AssertInvalid(() => Multiply(product));
    }

    public void Dispose() => _driver.Dispose();

    private static void AssertInvalid(Action action) =>
        Assert.Equal((int)CublasStatus.InvalidValue, Assert.Throws<CudaException>(action).Code);

    private nint At(int index) => _memory + index * sizeof(float);

    private nint Layout(long rows, long columns, long leadingDimension) =>
        _library.CreateLayout(CublasDataType.Float32, rows, columns, leadingDimension);

    private PlannedProduct Plan(
        nint a, nint b, nint d, CublasCompute compute = CublasCompute.Float32, bool transposeA = false, nint bias = 0, int alignment = 256,
        long workspace = 0)
    {
        nint descriptor = _library.CreateDescriptor(compute, CublasDataType.Float32), preference = _library.CreatePreference();
        int transpose = transposeA ? 1 : 0, epilogue = (int)(bias == 0 ? MatmulEpilogue.Default : MatmulEpilogue.Bias);
        _library.SetAttribute(descriptor, MatmulAttribute.TransposeA, &transpose, sizeof(int));
        _library.SetAttribute(descriptor, MatmulAttribute.Epilogue, &epilogue, sizeof(int));
        _library.SetAttribute(descriptor, MatmulAttribute.BiasPointer, &bias, sizeof(nint));
        _library.SetAttribute(preference, MatmulPreference.MaxWorkspaceBytes, &workspace, sizeof(long));
        for (MatmulPreference of = MatmulPreference.AlignmentOfA; of <= MatmulPreference.AlignmentOfD; of++)
            _library.SetAttribute(preference, of, &alignment, sizeof(int));
        var layouts = new MatmulLayouts(a, b, d, d);
        Span<MatmulHeuristic> found = stackalloc MatmulHeuristic[1];
        Assert.Equal(1, _library.FindAlgorithms(_handle, descriptor, layouts, preference, found));
        return new PlannedProduct(descriptor, layouts, found[0].Algorithm);
    }

    /// <summary>A at 0, B at 64, C and D at 128 floats, and the same number of bytes further.</summary>
    private void Multiply(PlannedProduct product, float beta = 0, bool wait = true, int shift = 0)
    {
        var addresses = new MatmulAddresses(At(0) + shift, At(64) + shift, At(128) + shift, At(128) + shift);
        _library.Multiply(_handle, product.Descriptor, 1, beta, product.Layouts, addresses, product.Algorithm, 0, 0, _stream);
        if (wait)
            _driver.SynchronizeStream(_stream);
    }

    private void Write(int index, params float[] values)
    {
        fixed (float* source = values)
            _driver.CopyHostToDevice(At(index), source, values.Length * sizeof(float));
        _driver.SynchronizeStream(0);
    }

    private float[] Read(int index, int count)
    {
        var values = new float[count];
        fixed (float* target = values)
            _driver.CopyDeviceToHost(target, At(index), count * sizeof(float));
        return values;
    }

    private readonly record struct PlannedProduct(nint Descriptor, MatmulLayouts Layouts, MatmulAlgorithm Algorithm);
}
