using Andrea.Tensors;

namespace Andrea.Tests.Tensors;

public class ParameterArenaTests
{
    [Fact]
    public void Layout_EveryTensor_BeginsOn256Bytes()
    {
        var layout = new ParameterLayout();
        foreach (int length in new[] { 1, 63, 64, 65, 0, 200 })
            layout.Add($"t{length}", new TensorShape(length));
        Assert.Equal([0L, 64, 128, 192, 320, 320], Enumerable.Range(0, 6).Select(layout.OffsetOf));
        Assert.Equal((393L, 576L), (layout.ElementCount, layout.ArenaLength));
        using Device device = Device.Cpu(1);
        using var arena = new ParameterArena(device, layout);
        for (int i = 0; i < arena.Count; i++)
            Assert.Equal(0, arena.AddressOf(i) % 256);
    }

    [Fact]
    public void Tensors_AreViewsOfTheirOwnElements()
    {
        var layout = new ParameterLayout();
        layout.Add("a", new TensorShape(2, 3));
        layout.Add("b", new TensorShape(5));
        using Device device = Device.Cpu(1);
        using var arena = new ParameterArena(device, layout);
        arena["a"].CopyFrom([1, 2, 3, 4, 5, 6]);
        arena["b"].CopyFrom([9], start: 4);
        Assert.Equal([1f, 2, 3, 4, 5, 6], arena[0].ToArray());
        Assert.Equal([0f, 0, 0, 0, 9], arena[1].ToArray());
        Assert.Throws<KeyNotFoundException>(() => arena["c"]);
        Assert.Throws<ArgumentException>(() => layout.Add("a", new TensorShape(1)));
    }

    [Fact]
    public void Layout_OfMoreThanAnyDeviceHolds_IsRefusedByName()
    {
        var layout = new ParameterLayout();
        layout.Add("a", new TensorShape(1L << 37));
        foreach (TensorShape shape in (TensorShape[])[new(long.MaxValue, 4), new((1L << 37) + 1), new(1L << 45)])
            Assert.Contains("'b' of shape", Assert.Throws<ArgumentException>(() => layout.Add("b", shape)).Message, StringComparison.Ordinal);
        Assert.Equal((1, 1L << 37, 1), (layout.Count, layout.ElementCount, layout.Add("b", new TensorShape(1L << 37))));
    }

    [Fact]
    public void CopyOutOfRange_Throws()
    {
        using Device device = Device.Cpu(1);
        var layout = new ParameterLayout();
        layout.Add("a", new TensorShape(4));
        layout.Add("b", new TensorShape(4));
        using var arena = new ParameterArena(device, layout);
        Assert.Throws<ArgumentOutOfRangeException>(() => arena["a"].CopyFrom(new float[5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena["a"].CopyTo(new float[2], 3));
        Assert.Contains(
            "1 elements from element 9223372036854775807 on", Assert.Throws<ArgumentOutOfRangeException>(() => arena["a"].CopyTo(new float[1], long.MaxValue)).Message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => Tensor.None.CopyTo(new float[1]));
    }

    [Fact]
    public void UseAfterDispose_Throws()
    {
        using Device device = Device.Cpu(1);
        var layout = new ParameterLayout();
        layout.Add("a", new TensorShape(4));
        var arena = new ParameterArena(device, layout);
        Tensor view = arena["a"];
        arena.Dispose();
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => view.ToArray());
    }

    [Fact]
    public void Shape_LargerThan32Bits_CountsRight()
    {
        var shape = new TensorShape(1L << 20, 1L << 20);
        Assert.Equal(1L << 40, shape.Length);
        Assert.Equal("(1048576, 1048576)", shape.ToString());
        Assert.Throws<OverflowException>(() => new TensorShape(1L << 40, 1L << 40).Length);
        Assert.Throws<ArgumentException>(() => new TensorShape(1, -1));
        Assert.Throws<ArgumentException>(() => new TensorShape(1, 1, 1, 1, 1));
        Assert.Equal((0, 0L), (default(TensorShape).Rank, default(TensorShape).Length));
    }
}
