using System.IO.Compression;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Xml.Linq;
using Andrea.Tests.Support;

namespace Andrea.Tests.Package;

/// <summary>What is in the packages, and that a project outside the repository can use them.</summary>
public class PackageTests(BuiltPackages packages) : IClassFixture<BuiltPackages>
{
    private const long Megabyte = 1_000_000;

    [Fact]
    public void Library_Package_IsSmallManagedAndComplete()
    {
        string path = packages.FileOf("Andrea");
        Assert.InRange(new FileInfo(path).Length, 1, Megabyte);
        using ZipArchive archive = ZipFile.OpenRead(path);
        string[] files = [.. archive.Entries.Select(entry => entry.FullName)];
        foreach (string file in (string[])["README.md", "LICENSE", "icon.png", "lib/net10.0/Andrea.dll", "lib/net10.0/Andrea.xml"])
            Assert.Contains(file, files);
        // Its own assembly and no other binary, managed or native.
        Assert.Equal(["lib/net10.0/Andrea.dll"], files.Where(file => Path.GetExtension(file) is ".dll" or ".so" or ".dylib" or ".exe" or ".a"));
        Assert.DoesNotContain(files, file => file.StartsWith("runtimes/", StringComparison.Ordinal));
        using var image = new PEReader([.. Bytes(archive.GetEntry("lib/net10.0/Andrea.dll")!)]);
        Assert.Contains(image.ReadDebugDirectory(), entry => entry.Type == DebugDirectoryEntryType.Reproducible);
        using ZipArchive symbols = ZipFile.OpenRead(packages.FileOf("Andrea", ".snupkg"));
        Assert.NotNull(symbols.GetEntry("lib/net10.0/Andrea.pdb"));
    }

    [Fact]
    public void Library_Package_DependsOnMicrosoftAlone()
    {
        XElement metadata = Metadata(packages.FileOf("Andrea"));
        string[] dependencies = [.. metadata.Descendants().Where(e => e.Name.LocalName == "dependency").Select(e => e.Attribute("id")!.Value)];
        Assert.All(dependencies, id => Assert.True(
            id.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal) || id.StartsWith("System.", StringComparison.Ordinal), $"{id} is not Microsoft's."));
        foreach (string name in (string[])["id", "version", "description", "license", "readme", "icon", "tags"])
            Assert.NotEqual("", metadata.Elements().Single(e => e.Name.LocalName == name).Value);
    }

    [Theory]
    [InlineData("Andrea")]
    [InlineData("Andrea.Cli")]
    public void Package_OfEither_HasItsReadmeLicenceIconAndSource(string id)
    {
        using ZipArchive archive = ZipFile.OpenRead(packages.FileOf(id));
        foreach (string file in (string[])["README.md", "LICENSE", "THIRD-PARTY-NOTICES.txt", "icon.png"])
            Assert.True(archive.GetEntry(file) is { Length: > 0 }, $"{file} is not in {id}.");
        XElement metadata = Metadata(packages.FileOf(id));
        Assert.Equal(("README.md", "icon.png", "MIT"), (Value(metadata, "readme"), Value(metadata, "icon"), Value(metadata, "license")));
        // Which commit it was built from; where the repository lies, source link adds when it has a remote.
        XElement repository = metadata.Elements().Single(e => e.Name.LocalName == "repository");
        Assert.Equal("git", repository.Attribute("type")?.Value);
        Assert.Matches("^[0-9a-f]{40}$", repository.Attribute("commit")?.Value ?? "");
        // What is read on a package's page has no other file of the repository beside it.
        string readme = Encoding.UTF8.GetString(Bytes(archive.GetEntry("README.md")!));
        Assert.Contains("dotnet add package Andrea", readme, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\]\((?!https://)", readme);
    }

    [Fact]
    public void Library_Project_ValidatesItsPackageAndPublishesItsSource()
    {
        string properties = ChildProcess.Run(
            packages.Root, "dotnet", "msbuild", "src/Andrea", "-getProperty:EnablePackageValidation,PublishRepositoryUrl,EmbedUntrackedSources,IncludeSymbols,Deterministic");
        foreach (string name in (string[])["EnablePackageValidation", "PublishRepositoryUrl", "EmbedUntrackedSources", "IncludeSymbols", "Deterministic"])
            Assert.Contains($"\"{name}\": \"true\"", properties, StringComparison.Ordinal);
    }

    [Fact]
    public void Library_Project_WhilePacking_NamesNoFolderOfThisMachine()
    {
        Assert.SkipUnless(Path.Exists(Path.Combine(packages.Root, ".git")), "The sources are not in a clone.");
        foreach (string project in (string[])["src/Andrea", "src/Andrea.Cli", "tests/Andrea.Tests"])
        {
            string value = ChildProcess.Run(packages.Root, "dotnet", "msbuild", project, "-p:_IsPacking=true", "-p:CI=", "-getProperty:ContinuousIntegrationBuild").Trim();
            Assert.Equal(project.StartsWith("src/", StringComparison.Ordinal) ? "true" : "", value);
        }
    }

    [Fact]
    public void Library_Package_TrainsInAProjectOfAStranger()
    {
        Directory.CreateDirectory(packages["loop"]);
        File.WriteAllText(packages["loop/loop.csproj"], $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup><PackageReference Include="Andrea" Version="{VersionOf("Andrea")}" /></ItemGroup>
            </Project>
            """);
        File.Copy(Path.Combine(packages.Root, "samples/OwnLoop/Program.cs"), packages["loop/Program.cs"]);
        packages.Run("dotnet", "build", "loop", "-c", "Release", "-o", packages["bin"], "-v", "quiet", "-nologo");
        Assert.StartsWith("loss 0.000", packages.Run("dotnet", packages["bin/loop.dll"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Tool_Package_InstallsTheCommand()
    {
        packages.Run("dotnet", "tool", "install", "Andrea.Cli", "--version", VersionOf("Andrea.Cli"), "--tool-path", packages["tools"], "--configfile", packages["nuget.config"]);
        string andrea = packages[OperatingSystem.IsWindows() ? "tools/andrea.exe" : "tools/andrea"];
        Assert.StartsWith(VersionOf("Andrea.Cli"), packages.Run(andrea, "--version"), StringComparison.Ordinal);
        Assert.Contains("CUDA", packages.Run(andrea, "doctor"), StringComparison.Ordinal);
    }

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }

    private static string? Value(XElement metadata, string name) => metadata.Elements().SingleOrDefault(e => e.Name.LocalName == name)?.Value;

    private string VersionOf(string id) => Metadata(packages.FileOf(id)).Elements().Single(e => e.Name.LocalName == "version").Value;

    private static XElement Metadata(string package)
    {
        using ZipArchive archive = ZipFile.OpenRead(package);
        using Stream stream = archive.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream).Root!.Elements().Single();
    }
}
