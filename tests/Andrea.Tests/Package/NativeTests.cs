using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Andrea.Tests.Support;

namespace Andrea.Tests.Package;

/// <summary>The command compiled ahead of time, as one native file: no warning from trimming or compiling, and it trains.</summary>
public class NativeTests
{
    [Fact]
    public void Command_CompiledAheadOfTime_TrainsChars()
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("CI") == "true", "Compiling ahead of time takes a minute and needs a C compiler; set CI=true to do it.");
        using var folder = new TemporaryFolder();
        // Warnings are errors here as everywhere, those of the trimmer and of the native compiler included. A place of its own keeps the build
        // that these tests run from as it is.
        string output = ChildProcess.Run(
            SourceTree.Root(), "dotnet", "publish", "src/Andrea.Cli", "-c", "Release", "--use-current-runtime", "-p:PublishAot=true",
            "--artifacts-path", folder["artifacts"], "-o", folder["native"], "-v", "minimal", "-nologo");
        Assert.DoesNotContain("warning", output, StringComparison.OrdinalIgnoreCase);
        string andrea = folder[OperatingSystem.IsWindows() ? "native/andrea.exe" : "native/andrea"];
        Assert.Equal([andrea], Directory.GetFileSystemEntries(folder["native"]));
        // The README says 20.4 MB.
        if (OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64)
            Assert.InRange(new FileInfo(andrea).Length, 18_000_000, 22_000_000);
        // A binary without vectors trains, too, but many times slower.
        if (Fma.IsSupported)
            Assert.Contains("FMA", ChildProcess.Run(folder.Path, andrea, "doctor"), StringComparison.Ordinal);

        File.WriteAllText(folder["text.txt"], string.Concat(Enumerable.Repeat("to be or not to be, that is the question. ", 60)));
        string trained = ChildProcess.Run(
            folder.Path, andrea, "train", "--preset", "chars", "--data", folder["text.txt"], "--steps", "3", "--device", "cpu", "--out", folder["run"]);
        Assert.Contains("Validation loss", trained, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["run/checkpoints/step-000003/model.safetensors"]), trained);
        Assert.NotEqual("", ChildProcess.Run(folder.Path, andrea, "sample", folder["run"], "--device", "cpu"));
    }
}
