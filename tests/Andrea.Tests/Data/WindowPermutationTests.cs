using Andrea.Data;

namespace Andrea.Tests.Data;

public class WindowPermutationTests
{
    [Fact]
    public void At_EveryPlaceOfEveryCount_IsAPermutation()
    {
        for (int count = 1; count <= 300; count++)
            AssertPermutation(count, key: (ulong)count * 12345);
        AssertPermutation(65_536, key: 1);
        AssertPermutation(99_991, key: 2);
    }

    [Fact]
    public void At_ManyKeys_EveryOrderOfFourIsAsLikely()
    {
        var bins = new int[256];
        for (ulong key = 0; key < 24_000; key++)
        {
            var permutation = new WindowPermutation(4, key);
            bins[permutation.At(0) << 6 | permutation.At(1) << 4 | permutation.At(2) << 2 | permutation.At(3)]++;
        }
        int[] seen = [.. bins.Where(bin => bin > 0)];
        Assert.Equal(24, seen.Length);
        BatchSamplerTests.AssertUniform(seen, 24_000);
    }

    [Fact]
    public void At_NeighbouringPlaces_AreSpreadEvenly()
    {
        // The step from one element to the next, for every place: a shuffled order has every step about as often.
        const int Count = 50_021, Bins = 50;
        var permutation = new WindowPermutation(Count, key: 99);
        var bins = new int[Bins];
        for (long place = 0; place < Count; place++)
            bins[(permutation.At((place + 1) % Count) - permutation.At(place) + Count) % Count * Bins / Count]++;
        BatchSamplerTests.AssertUniform(bins, Count);
    }

    [Fact]
    public void At_HugeCount_StaysInRange()
    {
        const long Count = (1L << 62) + 12345;
        var permutation = new WindowPermutation(Count, key: 5);
        long[] elements = [.. Enumerable.Range(0, 1000).Select(place => permutation.At(Count - 1 - place))];
        Assert.All(elements, element => Assert.InRange(element, 0, Count - 1));
        Assert.Equal(1000, elements.Distinct().Count());
    }

    private static void AssertPermutation(int count, ulong key)
    {
        var permutation = new WindowPermutation(count, key);
        var seen = new bool[count];
        for (int place = 0; place < count; place++)
        {
            long element = permutation.At(place);
            Assert.False(seen[element], $"count {count}: {element} twice");
            seen[element] = true;
        }
    }
}
