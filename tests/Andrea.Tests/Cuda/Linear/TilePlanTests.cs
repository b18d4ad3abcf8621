using Andrea.Cuda.Interop;
using Andrea.Cuda.Linear;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>How products are cut into blocks: at every size, without a GPU.</summary>
public class TilePlanTests
{
    private static readonly int[] Sizes = [0, 1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 384, 1000, 8192, 50_257, 1 << 20];

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 384)]
    [InlineData(50_257, 768)]
    public void Choose_ForwardOfOneRow_IsTheRowKernel(int n, int k) =>
        Assert.Equal(new TilePlan(TileSize.Row, k), TilePlan.Choose(LinearOperation.Forward, 1, n, k));

    [Fact]
    public void Choose_AnythingElseOfOneRow_IsATile()
    {
        Assert.Equal(TileSize.Small, TilePlan.Choose(LinearOperation.Forward, 2, 384, 384).Tile);
        Assert.Equal(TileSize.Small, TilePlan.Choose(LinearOperation.BackwardInput, 1, 384, 384).Tile);
        Assert.Equal(TileSize.Small, TilePlan.Choose(LinearOperation.BackwardWeight, 1, 384, 384).Tile);
    }

    [Theory]
    [InlineData(8192, 384)]
    [InlineData(8192, 1152)]
    [InlineData(8192, 50_257)]
    [InlineData(4096, 768)]
    public void Choose_ManyTiles_TakesLargeOnesWithoutSplits(int m, int n)
    {
        Assert.Equal(new TilePlan(TileSize.Large, 384), TilePlan.Choose(LinearOperation.Forward, m, n, 384));
        Assert.Equal(new TilePlan(TileSize.Large, 384), TilePlan.Choose(LinearOperation.BackwardInput, m, n, 384));
    }

    [Theory]
    [InlineData(64, 384)]
    [InlineData(1024, 384)]
    [InlineData(512, 128)]
    public void Choose_FewTiles_TakesSmallOnes(int m, int n)
    {
        Assert.Equal(new TilePlan(TileSize.Small, 384), TilePlan.Choose(LinearOperation.Forward, m, n, 384));
        Assert.Equal(new TilePlan(TileSize.Small, 384), TilePlan.Choose(LinearOperation.BackwardInput, m, n, 384));
    }

    [Theory]
    [InlineData(384, 384)]
    [InlineData(1152, 384)]
    [InlineData(384, 1536)]
    [InlineData(768, 768)]
    public void Choose_WeightOfManyRows_SplitsThem(int m, int n)
    {
        TilePlan plan = TilePlan.Choose(LinearOperation.BackwardWeight, m, n, 8192);
        LaunchShape shape = plan.ShapeFor(m, n);
        Assert.Equal(TileSize.Large, plan.Tile);
        // Most of 132 multiprocessors have work, and none has much more than others.
        long blocks = (long)shape.GridX * shape.GridY;
        Assert.InRange(blocks / (132.0 * ((blocks + 131) / 132)), 0.8, 1.0);
        Assert.Equal((uint)plan.Splits, shape.GridY);
        Assert.InRange(plan.Splits, 2, TilePlan.MaxSplits);
    }

    [Fact]
    public void Choose_WeightOfFewRows_DoesNotSplitThem()
    {
        foreach (int rows in (int[])[0, 1, 8, 64])
            Assert.Equal(1, TilePlan.Choose(LinearOperation.BackwardWeight, 384, 384, rows).Splits);
    }

    [Fact]
    public void Choose_EverySize_CoversEverythingOnce()
    {
        foreach (LinearOperation product in Enum.GetValues<LinearOperation>())
            foreach (int m in Sizes)
                foreach (int n in Sizes)
                    foreach (int k in Sizes)
                        AssertCovers(product, m, n, k);
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(8, 3)]
    [InlineData(9, 2)]
    [InlineData(100, 3)]
    [InlineData(1000, 32)]
    [InlineData(int.MaxValue, 32)]
    public void Split_AnyDepth_HasNoEmptyPart(int k, int splits)
    {
        TilePlan plan = TilePlan.Split(TileSize.Large, k, splits);
        AssertParts(plan, k);
        Assert.InRange(plan.Splits, k > 8 ? 2 : 1, splits);
    }

    [Fact]
    public void Shape_OfTheLongestMatrices_IsALegalGrid()
    {
        foreach (LinearOperation product in Enum.GetValues<LinearOperation>())
        {
            foreach ((int m, int n) in ((int, int)[])[(int.MaxValue, 1), (1, int.MaxValue), (int.MaxValue, 64)])
            {
                LaunchShape shape = TilePlan.Choose(product, m, n, int.MaxValue).ShapeFor(m, n);
                Assert.InRange(shape.GridX, 1u << 24, (uint)int.MaxValue);
                Assert.InRange(shape.GridY, 1u, (uint)TilePlan.MaxSplits);
                Assert.Equal(1u, shape.GridZ);
            }
        }
        Assert.Throws<OverflowException>(() => TilePlan.Choose(LinearOperation.BackwardInput, int.MaxValue, int.MaxValue, 1).ShapeFor(int.MaxValue, int.MaxValue));
    }

    private static void AssertCovers(LinearOperation product, int m, int n, int k)
    {
        TilePlan plan = TilePlan.Choose(product, m, n, k);
        LaunchShape shape = plan.ShapeFor(m, n);
        AssertParts(plan, k);
        Assert.True(plan.Splits == 1 || product == LinearOperation.BackwardWeight, $"{plan} splits sums that cannot be joined.");
        if (plan.Tile == TileSize.Row)
        {
            Assert.Equal((LinearOperation.Forward, 1), (product, m));
            Assert.Equal(((uint)(n + 7) / 8, 256u), (shape.GridX, shape.BlockX));
            return;
        }
        int span = plan.Tile == TileSize.Large ? 128 : 64;
        Assert.Equal((long)((m + span - 1) / span) * ((n + span - 1) / span), shape.GridX);
        Assert.Equal(2 * span, (int)shape.BlockX);
    }

    private static void AssertParts(TilePlan plan, int k)
    {
        Assert.True((long)plan.SplitDepth * plan.Splits >= k, $"{plan} leaves some of {k} terms out.");
        Assert.True(plan.Splits == 1 || (long)plan.SplitDepth * (plan.Splits - 1) < k, $"{plan} has an empty part of {k} terms.");
        Assert.True(plan.Splits == 1 || plan.SplitDepth % 8 == 0, $"{plan} has parts that end within a step.");
    }
}
