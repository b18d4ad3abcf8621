using System.Text.RegularExpressions;
using Andrea.Cuda.Compilation;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda;

/// <summary>Each kernel file says what it computes, and says the truth as far as a test can tell.</summary>
public partial class KernelHeaderTests
{
    private static readonly KernelLibrary Library = new(null);

    public static TheoryData<string> Files => [.. Library.Kernels];

    [Theory]
    [MemberData(nameof(Files))]
    public void Header_HasEveryField(string file)
    {
        KernelHeader header = Read(file);
        Assert.StartsWith($"{file}: ", header.Title, StringComparison.Ordinal);
        foreach (string field in KernelHeader.Required)
            Assert.True(header.Texts(field).Any(text => text.Length > 0), $"{file} has no @{field}.");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Entries_AreTheKernelsOfTheFile(string file)
    {
        string[] defined = [.. KernelHeader.EntryPoints(Library.Read(file).Text)];
        Assert.NotEmpty(defined);
        Assert.Equal(defined, Read(file).Entries);
        Assert.Equal(defined.Length, GlobalFunction().Count(Library.Read(file).Text));
        Assert.All(defined, name => Assert.Matches("^k_[a-z0-9]+(_[a-z0-9]+)*$", name));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Entries_SayTheLaunch(string file)
    {
        string text = Library.Read(file).Text;
        foreach (string entry in Read(file).Texts("entry"))
        {
            Match launch = Launch().Match(entry);
            Assert.True(launch.Success, $"{file}: '@entry {entry}' is not 'name grid ... block N shared N bytes'.");
            // The block that the header names is the one that the compiler was promised.
            Match bounds = Regex.Match(text, $@"__launch_bounds__\(([^)]+)\)\s+{launch.Groups[1].Value}\(");
            string threads = bounds.Groups[1].Value.Split(',')[0];
            string promised = threads == "STRIPS * WARP" ? "256" : threads;
            Assert.Equal(launch.Groups[2].Value, promised);
        }
    }

    [Fact]
    public void Kernels_AndBindings_AreTheSameNames()
    {
        string[] kernels = [.. Library.Kernels.SelectMany(file => KernelHeader.EntryPoints(Library.Read(file).Text)).Order(StringComparer.Ordinal)];
        IEnumerable<string> bound = SourceTree.Read("src/Andrea/Cuda")
            .SelectMany(source => QuotedKernel().Matches(source.Text))
            .Select(match => match.Groups[1].Value);
        Assert.Equal(kernels, bound.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Symbols_OfTheHeader_Exist(string file)
    {
        KernelHeader header = Read(file);
        foreach (string name in header.Texts("managed").Concat(header.Texts("reference")))
            Assert.True(typeof(Device).Assembly.GetType(name) is not null, $"{file} names {name}, which the library has not.");
        foreach (string name in header.Texts("test"))
        {
            bool exists = typeof(KernelHeaderTests).Assembly.GetTypes().Any(type => type.Name == name);
            Assert.True(exists, $"{file} names {name}, which the tests have not.");
        }
    }

    [Fact]
    public void Code_UsesNoSystemHeaderAndNoFastMath()
    {
        foreach (KernelSource source in Library.Kernels.Select(Library.Read).Concat(Library.Headers))
        {
            Assert.True(source.Text.All(char.IsAscii), $"{source.Name} has letters that not every compiler reads alike.");
            Assert.False(source.Text.Contains("#include <", StringComparison.Ordinal), $"{source.Name} includes a system header; NVRTC has none.");
            foreach (string code in source.Text.Split('\n'))
                if (code.Contains("__syncthreads()", StringComparison.Ordinal))
                    Assert.True(code.Contains("/*", StringComparison.Ordinal), $"{source.Name}: say in a comment what this orders: {code.Trim()}");
        }
        Assert.DoesNotContain(KernelOptions.For(new KernelTarget(80, true)), option => option.Contains("fast", StringComparison.Ordinal));
    }

    [Fact]
    public void Header_Parsed_GivesItsFields()
    {
        var header = new KernelHeader("x.cu", """
            /* x.cu: title.
             * @entry     k_a   grid 1   block 2   shared 0 bytes
             * @formula   a
             *            b
             * @managed   A.B    @reference C.D
             */ code @entry k_b
            """);
        Assert.Equal("x.cu: title.", header.Title);
        Assert.Equal(["k_a"], header.Entries);
        Assert.Equal(["a b"], header.Texts("formula"));
        Assert.Equal(["A.B"], header.Texts("managed"));
        Assert.Equal(["C.D"], header.Texts("reference"));
        Assert.Throws<FormatException>(() => new KernelHeader("y.cu", "code"));
    }

    private static KernelHeader Read(string file) => new(file, Library.Read(file).Text);

    [GeneratedRegex(@"^(k_\w+) grid .+ block (\d+) shared \d+ bytes$")]
    private static partial Regex Launch();

    [GeneratedRegex("\"(k_\\w+)\"")]
    private static partial Regex QuotedKernel();

    [GeneratedRegex(@"__global__")]
    private static partial Regex GlobalFunction();
}
