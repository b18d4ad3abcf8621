using System.Buffers;
using Andrea.Clipping;
using Andrea.Tensors;

namespace Andrea.Tests.Tensors;

public class ExternalTensorsTests
{
    [Fact]
    public void Add_Overlap_IsRefusedWithBothNames()
    {
        using var set = new ExternalTensors();
        var memory = new float[10];
        set.Add("a", memory.AsMemory(0, 6));
        var exception = Assert.Throws<ArgumentException>(() => set.Add("b", memory.AsMemory(5, 5)));
        Assert.Contains("'b' overlaps tensor 'a'", exception.Message, StringComparison.Ordinal);
        set.Add("c", memory.AsMemory(6, 4));
        Assert.Equal((2, 10L), (set.Count, set.ElementCount));
    }

    [Fact]
    public void Add_ImpossibleAddressLengthNameOrShape_IsRefused()
    {
        using var set = new ExternalTensors();
        Assert.Throws<ArgumentException>(() => set.Add("null", 0, 5));
        Assert.Throws<ArgumentException>(() => set.Add("odd", 4098, 5));
        Assert.Throws<ArgumentException>(() => set.Add("negative", 4096, -1));
        Assert.Throws<ArgumentException>(() => set.Add("", new float[1]));
        Assert.Throws<ArgumentException>(() => set.Add("shape", new float[6], new TensorShape(2, 2)));
        set.Add("twice", new float[1]);
        Assert.Throws<ArgumentException>(() => set.Add("twice", new float[1]));
        Assert.Equal(1, set.Count);
    }

    [Fact]
    public void Add_EmptyAtNull_IsAccepted()
    {
        using var set = new ExternalTensors();
        set.Add("empty", 0, 0).Add("other", Memory<float>.Empty);
        Assert.Equal(0, set.ElementCount);
    }

    [Fact]
    public void Move_ToAnImpossibleAddress_IsRefusedAndChangesNothing()
    {
        using var set = new ExternalTensors();
        set.Add("w", 4096, 5).AddAbsent("later", new TensorShape(2, 3));
        Assert.Throws<ArgumentException>(() => set.Move(0, 4098));
        Assert.Throws<ArgumentException>(() => set.Move(0, nint.MaxValue - 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Move(2, 4096));
        Assert.Equal((0, 4096, 0), (set.Version, set.AddressOf(0), set.AddressOf(1)));
        Assert.Equal(11, set.ElementCount);
    }

    [Fact]
    public void Move_ToTheAddressKnown_CountsAsNoMove()
    {
        using var set = new ExternalTensors();
        set.Add("w", 4096, 5).AddAbsent("later", new TensorShape(6));
        set.Move(0, 4096);
        set.Move(1, 0);
        Assert.Equal(0, set.Version);
        set.Move(1, 8192);
        Assert.Equal((1, true), (set.Version, set.IsPresent(1)));
        set.Move(1, 0);
        Assert.Equal((2, false), (set.Version, set.IsPresent(1)));
    }

    [Fact]
    public void AddAbsent_TwoOfThem_DoNotOverlapEachOtherOrAnything()
    {
        using var set = new ExternalTensors();
        set.AddAbsent("a", new TensorShape(1 << 20)).AddAbsent("b", new TensorShape(1 << 20)).Add("c", 4096, 10);
        Assert.Equal(3, set.Count);
    }

    [Fact]
    public void Move_OfADisposedSet_IsRefused()
    {
        var set = new ExternalTensors();
        set.Add("w", 4096, 5);
        set.Dispose();
        Assert.Throws<ObjectDisposedException>(() => set.Move(0, 8192));
    }

    [Fact]
    public void AddAndMove_AddressesThatNoProgramHas_AreRefused()
    {
        using var set = new ExternalTensors();
        foreach (nint address in (nint[])[-4096, nint.MinValue, -4])
            Assert.Contains("which no program has", Assert.Throws<ArgumentException>(() => set.Add("w", address, 2)).Message, StringComparison.Ordinal);
        Assert.Contains("beyond the end of memory", Assert.Throws<ArgumentException>(() => set.Add("w", nint.MaxValue - 3, 2)).Message, StringComparison.Ordinal);
        set.Add("w", 4096, 2);
        Assert.Contains("which no program has", Assert.Throws<ArgumentException>(() => set.Move(0, -4096)).Message, StringComparison.Ordinal);
        Assert.Equal((1, 4096), (set.Count, set.AddressOf(0)));
    }

    [Fact]
    public void Add_MoreThanAnyMemoryHolds_IsRefusedAndNoTableIsMade()
    {
        using var set = new ExternalTensors();
        set.AddAbsent("small", new TensorShape(2, 3));
        foreach (TensorShape shape in (TensorShape[])[new(1L << 60), new(1L << 40, 1L << 40), new((1L << 38) - 5)])
            Assert.Contains("more than 274877906944 elements", Assert.Throws<ArgumentException>(() => set.AddAbsent("huge", shape)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => set.Add("huge", 4096, 1L << 39));
        Assert.Equal((1, 6), (set.Count, set.ElementCount));
        // Each would be accepted alone.
        set.AddAbsent("half", new TensorShape(1L << 37));
        Assert.Throws<ArgumentException>(() => set.AddAbsent("other half", new TensorShape(1L << 37)));
    }

    [Fact]
    public void Add_AfterDispose_IsRefusedAndPinsNothing()
    {
        var set = new ExternalTensors();
        set.Dispose();
        using var memory = new CountedMemory(4);
        Assert.Throws<ObjectDisposedException>(() => set.Add("a", memory.Memory));
        Assert.Throws<ObjectDisposedException>(() => set.Add("b", 4096, 1));
        Assert.Throws<ObjectDisposedException>(() => set.AddAbsent("c", new TensorShape(1)));
        Assert.Equal((0, 0), (memory.Pins, set.Count));
    }

    [Fact]
    public void Add_AfterAClipperWasBuilt_IsRefusedByName()
    {
        using Device device = Device.Cpu(1);
        using var set = new ExternalTensors().Add("a", new float[2]);
        using var clipper = new GradClipper(device, set);
        using var memory = new CountedMemory(4);
        foreach (Action add in (Action[])[() => set.Add("late", memory.Memory), () => set.Add("late", 4096, 1), () => set.AddAbsent("late", new TensorShape(1))])
            Assert.Contains("Tensor 'late' comes too late", Assert.Throws<InvalidOperationException>(add).Message, StringComparison.Ordinal);
        Assert.Equal((0, 1), (memory.Pins, set.Count));
    }

    [Fact]
    public void AddAbsent_EmptyOrTakenName_IsRefused()
    {
        using var set = new ExternalTensors();
        Assert.Throws<ArgumentException>(() => set.AddAbsent("", new TensorShape(1)));
        set.AddAbsent("a", new TensorShape(1));
        Assert.Throws<ArgumentException>(() => set.AddAbsent("a", new TensorShape(1)));
    }

    [Fact]
    public void Pins_OfWhatWasAdded_LastUntilDispose()
    {
        using var memory = new CountedMemory(4);
        var set = new ExternalTensors();
        Assert.Throws<ArgumentException>(() => set.Add("shape", memory.Memory, new TensorShape(3)));
        Assert.Equal(0, memory.Pins);
        set.Add("a", memory.Memory);
        Assert.Equal(1, memory.Pins);
        Assert.Throws<ArgumentException>(() => set.Add("overlaps", memory.Memory));
        Assert.Equal(1, memory.Pins);
        set.Dispose();
        set.Dispose();
        Assert.Equal(0, memory.Pins);
    }

    [Fact]
    public void Move_ToOtherMemory_PinsThatInsteadOfTheFormer()
    {
        using CountedMemory first = new(2), second = new(2), longer = new(3);
        using Device device = Device.Cpu(1);
        using var set = new ExternalTensors().Add("w", first.Memory);
        using var clipper = new GradClipper(device, set);
        second.Memory.Span.Fill(3);
        set.Move(set.IndexOf("w"), second.Memory);
        Assert.Equal((0, 1), (first.Pins, second.Pins));
        clipper.Clip();
        Assert.Equal(Math.Sqrt(18), clipper.Read().NormBefore, 1e-12);
        Assert.Contains("has 2 elements, but the memory it is to move to has 3", Assert.Throws<ArgumentException>(() => set.Move(0, longer.Memory)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Move(1, longer.Memory));
        Assert.Equal((1, 0), (second.Pins, longer.Pins));
        set.Dispose();
        Assert.Throws<ObjectDisposedException>(() => set.Move(0, first.Memory));
        Assert.Equal((0, 0), (first.Pins, second.Pins));
    }

    [Fact]
    public void IndexOf_AnUnknownName_SaysSo()
    {
        using var set = new ExternalTensors().Add("a", new float[1]).AddAbsent("b", new TensorShape(1));
        Assert.Equal((0, 1), (set.IndexOf("a"), set.IndexOf("b")));
        Assert.Contains("'c'. The set has 2 tensors, 'a' first.", Assert.Throws<KeyNotFoundException>(() => set.IndexOf("c")).Message, StringComparison.Ordinal);
        Assert.Equal("name", Assert.Throws<ArgumentNullException>(() => set.IndexOf(null!)).ParamName);
        Assert.Contains("'c'. The layout has no tensors.", Assert.Throws<KeyNotFoundException>(() => new ParameterLayout().IndexOf("c")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_ANullArray_IsRefusedAndNamesWhatIsMeant()
    {
        using var set = new ExternalTensors();
        var error = Assert.Throws<ArgumentNullException>(() => set.Add("w", (float[])null!));
        Assert.Contains("'w' is null", error.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(ExternalTensors.AddAbsent), error.Message, StringComparison.Ordinal);
        Assert.Equal((1, 0L), (set.Add("empty", Memory<float>.Empty).Count, set.ElementCount));
    }

    /// <summary>Counts its pins.</summary>
    private sealed unsafe class CountedMemory(int length) : MemoryManager<float>
    {
        private readonly float* _address = (float*)System.Runtime.InteropServices.NativeMemory.AllocZeroed((nuint)length, sizeof(float));

        public int Pins { get; private set; }

        public override Span<float> GetSpan() => new(_address, length);

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            Pins++;
            return new MemoryHandle(_address + elementIndex, default, this);
        }

        public override void Unpin() => Pins--;

        protected override void Dispose(bool disposing) => System.Runtime.InteropServices.NativeMemory.Free(_address);
    }
}
