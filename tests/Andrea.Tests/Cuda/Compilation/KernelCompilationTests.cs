using System.Text;
using System.Text.RegularExpressions;
using Andrea.Cuda;
using Andrea.Cuda.Attention;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Interop;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Compilation;

/// <summary>Every kernel, compiled by the real NVRTC for every architecture it offers from Volta on.</summary>
public partial class KernelCompilationTests
{
    private static readonly int[] Needed = [70, 80, 86, 89, 90];

    private static readonly KernelLibrary Library = new(null);

    /// <summary>Each file of kernels.</summary>
    public static TheoryData<string> Files => [.. Library.Kernels];

    [Fact]
    public void Library_HasTheFilesOfTheRepository()
    {
        string folder = Path.Combine(SourceTree.Root(), "kernels");
        string[] files = [.. Directory.GetFiles(folder).Where(file => Path.GetExtension(file) is ".cu" or ".cuh").Order(StringComparer.Ordinal)];
        IEnumerable<string> embedded = Library.Kernels.Concat(Library.Headers.Select(header => header.Name));
        Assert.Equal(files.Select(Path.GetFileName), embedded.Order(StringComparer.Ordinal));
        foreach (string file in files.Where(file => file.EndsWith(".cu", StringComparison.Ordinal)))
            Assert.Equal(File.ReadAllText(file), Library.Read(Path.GetFileName(file)).Text);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Kernel_ForEveryArchitecture_CompilesWithoutWarningsOrSpills(string file)
    {
        Nvrtc nvrtc = TestNvrtc.Get();
        int[] offered = [.. nvrtc.GetArchitectures().Where(architecture => architecture >= Needed[0])];
        if (nvrtc.Version.Major == 12)
            Assert.Subset(offered.ToHashSet(), Needed.ToHashSet());
        foreach (int architecture in offered)
        {
            (byte[] cubin, string log) = Build(nvrtc, Library.Read(file), new KernelTarget(architecture, IsCubin: true));
            Assert.Equal("\u007fELF"u8, cubin.AsSpan(0, 4));
            AssertNoSpills(log, KernelNames(file));
            AssertSharedBytes(log, new KernelHeader(file, Library.Read(file).Text));
            Assert.DoesNotContain("warning", log, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Kernel_AsPtx_HasItsEntriesAndNoLocalMemory(string file)
    {
        (byte[] image, string log) = Build(TestNvrtc.Get(), Library.Read(file), new KernelTarget(80, IsCubin: false));
        string ptx = Encoding.UTF8.GetString(image);
        Assert.Equal("", log);
        Assert.Equal(0, image[^1]);
        Assert.Equal(KernelNames(file), Entry().Matches(ptx).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(".local", ptx, StringComparison.Ordinal);
    }

    /// <summary>Head sizes by which attention's kernels differ.</summary>
    public static TheoryData<string, int> AttentionKinds => new MatrixTheoryData<string, int>(
        [AttentionKernels.ForwardFile, AttentionKernels.BackwardFile], [.. Enumerable.Range(0, AttentionTiles.All.Count)]);

    [Theory]
    [MemberData(nameof(AttentionKinds))]
    public void AttentionKernel_ForEveryHeadSize_CompilesWithoutWarningsOrSpills(string file, int kind)
    {
        Nvrtc nvrtc = TestNvrtc.Get();
        string[] definitions = [.. AttentionTiles.All[kind].Definitions().Select(definition => $"-D{definition}")];
        foreach (int architecture in nvrtc.GetArchitectures().Intersect(Needed))
        {
            (_, string log) = Build(nvrtc, Library.Read(file), new KernelTarget(architecture, IsCubin: true), definitions);
            AssertNoSpills(log, KernelNames(file));
            Assert.DoesNotContain("warning", log, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void Kernel_ThatSpills_IsFound()
    {
        // Negative control: an array that cannot live in registers.
        var source = new KernelSource("spill.cu", """
            extern "C" __global__ void k_spill(int* a, int n) {
                int local[64];
                for (int i = 0; i < 64; i++) local[i] = a[i];
                for (int i = 0; i < n; i++) local[a[i] & 63] += local[i & 63];
                a[0] = local[n & 63];
            }
            """);
        (_, string log) = Build(TestNvrtc.Get(), source, new KernelTarget(80, IsCubin: true));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => AssertNoSpills(log, ["k_spill"]));
    }

    [Fact]
    public void Layouts_OneFieldElsewhere_DoNotCompile()
    {
        Nvrtc nvrtc = TestNvrtc.Get();
        var source = new KernelSource("layouts.cu", "#include \"layouts.cuh\"");
        var target = new KernelTarget(80, IsCubin: false);
        string[] options = [.. KernelOptions.For(target)];
        KernelCompiler.Build(nvrtc, source, Library.Headers, options, cubin: false);
        int checkedCount = 0;
        string[] shifted = [.. options.Select(option => Layout().Replace(option, match => $"{match.Groups[1].Value}={match.Groups[2].Value}4"))];
        var error = Assert.Throws<KernelCompilationException>(() => KernelCompiler.Build(nvrtc, source, Library.Headers, shifted, cubin: false));
        string message = error.Message.Replace("\" \"", "").Replace("\"", "");
        foreach (string option in options)
        {
            if (Layout().Match(option) is not { Success: true } match)
                continue;
            checkedCount++;
            string[] parts = match.Groups[1].Value["-DANDREA_".Length..].Split('_', 3);
            string complaint = parts[0] == "BYTES" ? $"{parts[1]} has another size" : $"{parts[1]}.{parts[2]} lies elsewhere";
            Assert.Contains(complaint, message, StringComparison.Ordinal);
        }
        Assert.Equal(91, checkedCount);
    }

    [Fact]
    public void Error_InAnEditedKernel_IsShownWithFileAndLine()
    {
        using var folder = new TemporaryFolder();
        string edited = Library.Read("adamw.cu").Text.Replace("updates[tensor] = ", "updates[tensors] = ", StringComparison.Ordinal);
        folder.Write("adamw.cu", Encoding.UTF8.GetBytes(edited));
        int line = edited[..edited.IndexOf("updates[tensors]", StringComparison.Ordinal)].Count(c => c == '\n') + 1;
        var compiler = new KernelCompiler(TestNvrtc.Get(), new KernelLibrary(folder.Path), new KernelCache(null));
        var error = Assert.Throws<KernelCompilationException>(() => compiler.Compile("adamw.cu", new KernelTarget(80, IsCubin: false)));
        Assert.Contains($"adamw.cu:{line}: error: ", error.Log, StringComparison.Ordinal);
        Assert.Equal("adamw.cu", error.KernelFile);
        Assert.Contains(error.Log, error.Message, StringComparison.Ordinal);
        // The other file was not edited.
        Assert.NotEmpty(compiler.Compile("grad_clip.cu", new KernelTarget(80, IsCubin: false)).Image);
    }

    [Fact]
    public void Library_FolderThatDoesNotExist_SaysSo()
    {
        var error = Assert.Throws<DirectoryNotFoundException>(() => new KernelLibrary("/no/such/folder"));
        Assert.Contains("ANDREA_KERNEL_DIR names the folder '/no/such/folder', which does not exist.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compile_Again_ComesFromTheCacheWithTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        var target = new KernelTarget(80, IsCubin: true);
        CompiledKernel Compile() => new KernelCompiler(TestNvrtc.Get(), Library, new KernelCache(folder.Path)).Compile("adamw.cu", target);
        CompiledKernel first = Compile(), second = Compile();
        Assert.False(first.FromCache);
        Assert.True(second.FromCache);
        Assert.Equal(first.Image, second.Image);
        string entry = Directory.GetFiles(folder.Path).Single();
        File.WriteAllBytes(entry, File.ReadAllBytes(entry)[..100]);
        CompiledKernel third = Compile();
        Assert.False(third.FromCache);
        Assert.Equal(first.Image, third.Image);
        Assert.True(Compile().FromCache);
    }

    [Fact]
    public void Nvrtc_UnknownOption_IsAnErrorWithItsName()
    {
        Nvrtc nvrtc = TestNvrtc.Get();
        var source = new KernelSource("a.cu", "");
        var error = Assert.Throws<CudaException>(() => KernelCompiler.Build(nvrtc, source, [], ["--no-such-option"], cubin: false));
        Assert.Equal("NVRTC_ERROR_INVALID_OPTION", error.CodeName);
        Assert.Contains("nvrtcCompileProgram(--no-such-option)", error.Message, StringComparison.Ordinal);
    }

    private static (byte[] Image, string Log) Build(Nvrtc nvrtc, KernelSource source, KernelTarget target, params string[] definitions)
    {
        string[] verbose = target.IsCubin ? ["--ptxas-options=-v"] : [];
        return KernelCompiler.Build(nvrtc, source, Library.Headers, [.. KernelOptions.For(target), .. definitions, .. verbose], target.IsCubin);
    }

    private static string[] KernelNames(string file) =>
        [.. KernelHeader.EntryPoints(Library.Read(file).Text).Order(StringComparer.Ordinal)];

    private static void AssertNoSpills(string log, string[] kernels)
    {
        foreach (string kernel in kernels)
        {
            Match properties = Regex.Match(
                log, $@"Function properties for {kernel}\s+[^\n]*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads");
            Assert.True(properties.Success, $"The assembler says nothing about {kernel}:\n{log}");
            for (int i = 1; i <= 3; i++)
                Assert.True(properties.Groups[i].Value == "0", $"{kernel} uses local memory: {properties.Value}");
        }
    }

    /// <summary>A kernel takes the shared memory that its header names.</summary>
    private static void AssertSharedBytes(string log, KernelHeader header)
    {
        foreach (string entry in header.Texts("entry"))
        {
            string kernel = entry.Split(' ')[0];
            Match used = Regex.Match(
                log, $@"entry function '{kernel}'.*?Used \d+ registers(?:, used \d+ barriers)?(?:, (\d+) bytes smem)?", RegexOptions.Singleline);
            string bytes = used.Groups[1].Success ? used.Groups[1].Value : "0";
            Assert.True(used.Success && entry.EndsWith($"shared {bytes} bytes", StringComparison.Ordinal), $"{used.Value}: the header says {entry}");
        }
    }

    [GeneratedRegex(@"\.entry (\w+)\(")]
    private static partial Regex Entry();

    [GeneratedRegex(@"^(-DANDREA_(?:BYTES|OFFSET)_\w+)=(\d+)$")]
    private static partial Regex Layout();
}
