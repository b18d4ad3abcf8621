using Andrea.Tests.Support;

namespace Andrea.Tests.Conventions;

/// <summary>The layers and the tidiness of DESIGN.md, read off the sources; and that each rule finds a planted violation.</summary>
public class LayeringTests
{
    [Fact]
    public void References_OfTheLibrary_GoDownTheLayers() => AssertNone(SourceRules.WrongReferences(SourceTree.Read("src")));

    [Fact]
    public void Intrinsics_OfTheLibrary_StandInCpuOnly() => AssertNone(SourceRules.IntrinsicsOutsideCpu(SourceTree.Read("src")));

    [Fact]
    public void Files_OfTheRepository_AreNotTooLong() => AssertNone(SourceRules.LongFiles(SourceTree.Read("src", "tests", "benchmarks")));

    [Fact]
    public void Namespaces_OfTheRepository_AreTheFolders() => AssertNone(SourceRules.WrongNamespaces(SourceTree.Read("src", "tests", "benchmarks")));

    [Theory]
    [InlineData("src/Andrea/Tensors/X.cs", "using Andrea.Backends;", "Tensors refers to Backends")]
    [InlineData("src/Andrea/Backends/X.cs", "using static Andrea.Cpu.ThreadTeam;", "Backends refers to Cpu")]
    [InlineData("src/Andrea/Cpu/Norm/X.cs", "using G = Andrea.Gpt.GptModel;", "Cpu refers to Gpt")]
    [InlineData("src/Andrea/Clipping/X.cs", "global using Andrea.Optim;", "Clipping refers to Optim")]
    [InlineData("src/Andrea/Data/X.cs", "class X { Andrea.Gpt.GptModel model; }", "Data refers to Gpt")]
    [InlineData("src/Andrea/Gpt/X.cs", "class X { Cuda.Driver driver; }", "Gpt refers to Cuda")]
    [InlineData("src/Andrea/Training/X.cs", "using Andrea.Cli;", "Training refers to Cli")]
    [InlineData("src/Andrea/Helpers/X.cs", "", "'Helpers' is no layer")]
    public void WrongReferences_PlantedOne_IsFound(string path, string code, string expected)
    {
        SourceFile[] files = [new("src/Andrea/Cuda/Driver.cs", "internal sealed class Driver"), new(path, code)];
        Assert.Contains(expected, Assert.Single(SourceRules.WrongReferences(files)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("src/Andrea/Training/X.cs", "using Andrea.Gpt; using Andrea.Data; using Andrea.Tensors;")]
    [InlineData("src/Andrea/Tensors/X.cs", "// using Andrea.Cpu;\n/* Andrea.Gpt.GptModel */ char c = '\"'; // Andrea.Cuda.Y")]
    [InlineData("src/Andrea/Tensors/X.cs", "string s = \"Andrea.Gpt.GptModel\";")]
    [InlineData("src/Andrea/Optim/X.cs", "options.Cuda.Driver(); var y = Cuda.Other;")]
    [InlineData("src/Andrea/Device.cs", "using Andrea.Cpu;")]
    [InlineData("src/Andrea.Cli/X.cs", "using Andrea.Training;")]
    public void WrongReferences_RightOnes_AreLetThrough(string path, string code) =>
        Assert.Empty(SourceRules.WrongReferences([new("src/Andrea/Cuda/Driver.cs", "internal sealed class Driver"), new(path, code)]));

    [Fact]
    public void IntrinsicsOutsideCpu_PlantedOne_IsFound()
    {
        Assert.Single(SourceRules.IntrinsicsOutsideCpu([new("src/Andrea/Gpt/X.cs", "using System.Runtime.Intrinsics.X86;")]));
        Assert.Empty(SourceRules.IntrinsicsOutsideCpu([new("src/Andrea/Cpu/Norm/X.cs", "using System.Runtime.Intrinsics;")]));
    }

    [Fact]
    public void LongFiles_OneLineTooMany_IsFound()
    {
        static SourceFile File(int lines) => new("src/X.cs", new string('\n', lines - 1) + "x\n");
        Assert.Empty(SourceRules.LongFiles([File(SourceRules.MaxLines)]));
        Assert.Single(SourceRules.LongFiles([File(SourceRules.MaxLines + 1)]));
    }

    [Theory]
    [InlineData("src/Andrea/Cpu/Norm/X.cs", "namespace Andrea.Cpu.Norm;", true)]
    [InlineData("src/Andrea/Device.cs", "namespace Andrea;", true)]
    [InlineData("src/Andrea.Cli/Program.cs", "return 0;", true)]
    [InlineData("src/Andrea/Cpu/Norm/X.cs", "namespace Andrea.Cpu;", false)]
    [InlineData("src/Andrea/Cpu/Norm/X.cs", "class X;", false)]
    [InlineData("src/Andrea/Cpu/Norm/X.cs", "namespace Andrea.Cpu.Norm { }\nnamespace Andrea.Cpu { }", false)]
    public void WrongNamespaces_Planted_AreFound(string path, string code, bool right) =>
        Assert.Equal(right, !SourceRules.WrongNamespaces([new(path, code)]).Any());

    [Fact]
    public void SourceTree_Read_FindsTheLibrary() =>
        Assert.Contains(
            SourceTree.Read("src"),
            file => file.Path == "src/Andrea/Cpu/Simd/SimdMath.cs" && file.Text.Contains("Vector512", StringComparison.Ordinal));

    private static void AssertNone(IEnumerable<string> violations) => Assert.Equal("", string.Join('\n', violations));
}
