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
}
