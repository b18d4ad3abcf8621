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
}
