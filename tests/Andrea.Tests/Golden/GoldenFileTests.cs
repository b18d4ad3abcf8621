namespace Andrea.Tests.Golden;

/// <summary>That the golden files are all there, whole, and made as they say.</summary>
public class GoldenFileTests
{
    public static TheoryData<string, int> Files => new()
    {
        { "embedding.json", 3 }, { "norm.json", 6 }, { "linear.json", 7 }, { "activation.json", 4 }, { "attention.json", 6 },
        { "cross_entropy.json", 4 }, { "clip.json", 12 }, { "adamw.json", 4 }, { "gpt.json", 16 },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void Load_EveryFile_IsThereWithAllItsCasesItsOriginAndItsInputs(string fileName, int caseCount)
    {
        GoldenFile file = GoldenFile.Load(fileName);
        Assert.Equal(caseCount, file.Cases.Count);
        Assert.StartsWith("1.13.", file.Text("torch"), StringComparison.Ordinal);
        Assert.Equal("tests/Andrea.Tests/Golden/make_golden.py", file.Text("script"));
        Assert.Equal(file.FormulaValues, GoldenFormula.Uniform(file.Seed, 8, 2.0, 0.25));
    }

    [Fact]
    public void Load_MissingFile_Throws() => Assert.Throws<FileNotFoundException>(() => GoldenFile.Load("no-such-file.json"));

    [Fact]
    public void AssertClose_OneElementOff_Fails()
    {
        GoldenCase golden = GoldenFile.Load("activation.json")["ReLU"];
        float[] values = [.. golden.Input("input").Select(value => Math.Max(0, value))];
        golden.AssertClose("output", Support.Tolerance.Elementwise, values);
        values[7] += 1e-3f;
        Assert.ThrowsAny<Exception>(() => golden.AssertClose("output", Support.Tolerance.Elementwise, values));
    }
}
