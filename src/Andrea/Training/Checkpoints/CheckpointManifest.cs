using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Andrea.Optim;

namespace Andrea.Training.Checkpoints;

/// <summary>The content of state.json: what the folder holds, and the training state. Guards every byte of the checkpoint, its own
/// included.</summary>
/// <remarks>
/// The files beside it are guarded by their SHA-256. state.json guards itself: its last property, <c>sha256</c>, is the hash of all bytes
/// of the file before the value's first digit, and what follows the digits is fixed. So every bit of the folder is either hashed or
/// compared, and the hash is checked before anything is parsed.
/// </remarks>
internal sealed record CheckpointManifest
{
    public const string FileName = "state.json";

    private const string OurFormat = "andrea-checkpoint";
    private const int OurFormatVersion = 1;
    private const int DigitCount = 2 * SHA256.HashSizeInBytes;

    private static readonly byte[] BeforeDigits = "\"sha256\": \""u8.ToArray();
    private static readonly byte[] AfterDigits = "\"\n}\n"u8.ToArray();

    [JsonPropertyOrder(-2)]
    public string Format { get; init; } = OurFormat;

    /// <summary>Raised when older libraries could not read a checkpoint any more.</summary>
    [JsonPropertyOrder(-1)]
    public int FormatVersion { get; init; } = OurFormatVersion;

    /// <summary>Length and hash of every other file, by name.</summary>
    public required Dictionary<string, FileDigest> Files { get; init; }

    public required CheckpointState State { get; init; }

    [JsonPropertyOrder(int.MaxValue)]
    public string Sha256 { get; init; } = "";

    /// <summary>The bytes of state.json, sealed with their hash.</summary>
    public byte[] ToBytes()
    {
        CheckpointManifest unsealed = this with { Sha256 = new string('0', DigitCount) };
        byte[] bytes = [.. JsonSerializer.SerializeToUtf8Bytes(unsealed, CheckpointJson.Default.CheckpointManifest), (byte)'\n'];
        int digits = bytes.Length - AfterDigits.Length - DigitCount;
        Encoding.ASCII.GetBytes(HashBefore(digits, bytes), bytes.AsSpan(digits));
        return bytes;
    }

    /// <summary>Reads state.json of a checkpoint folder.</summary>
    /// <exception cref="CheckpointFormatException">The folder or file is missing, damaged, foreign or of another version.</exception>
    public static CheckpointManifest Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        byte[] bytes = ReadBytes(folder, path);
        CheckSeal(bytes, path);
        try
        {
            CheckFormat(bytes, path);
            CheckpointManifest manifest = JsonSerializer.Deserialize(bytes, CheckpointJson.Default.CheckpointManifest)!;
            manifest.State.Config.Validate();
            return manifest;
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw new CheckpointFormatException(
                $"'{path}' is intact but its content makes no sense ({exception.Message.TrimEnd('.')}). "
                + "Read it with the version of Andrea that wrote it.",
                exception);
        }
    }

    private static byte[] ReadBytes(string folder, string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            string finding = Directory.Exists(folder) ? $"it has no {FileName}" : "there is no such folder";
            throw new CheckpointFormatException(
                $"'{folder}' is no checkpoint: {finding}. Pass a folder that Andrea wrote, such as runs/NAME/checkpoints/step-000100.", exception);
        }
        catch (Exception exception) when (CheckpointDisk.IsRefusal(exception))
        {
            throw new CheckpointException($"'{path}' could not be read ({exception.Message.TrimEnd('.')}). Check its permissions.", exception);
        }
    }

    private static void CheckSeal(ReadOnlySpan<byte> bytes, string path)
    {
        int digits = bytes.Length - AfterDigits.Length - DigitCount;
        if (digits < BeforeDigits.Length || !bytes[..digits].EndsWith(BeforeDigits) || !bytes.EndsWith(AfterDigits))
            throw new CheckpointFormatException(
                $"'{path}' ({bytes.Length} bytes) does not end with the seal that Andrea writes: it is cut off, or another program's. "
                + "Use another checkpoint.");
        string recorded = Encoding.ASCII.GetString(bytes.Slice(digits, DigitCount));
        string actual = HashBefore(digits, bytes);
        if (recorded != actual)
            throw new CheckpointFormatException(
                $"'{path}' is damaged, or was edited: its SHA-256 is {actual}, but it records {recorded}. Use another checkpoint.");
    }

    private static void CheckFormat(byte[] bytes, string path)
    {
        using JsonDocument document = JsonDocument.Parse(bytes);
        string? format = document.RootElement.TryGetProperty("format", out JsonElement text) ? text.ToString() : null;
        string? version = document.RootElement.TryGetProperty("formatVersion", out JsonElement number) ? number.ToString() : null;
        if (format != OurFormat)
            throw new CheckpointFormatException($"'{path}' has format '{format}'; expected '{OurFormat}'. Pass a checkpoint that Andrea wrote.");
        if (version != OurFormatVersion.ToString(System.Globalization.CultureInfo.InvariantCulture))
            throw new CheckpointFormatException(
                $"'{path}' has format version {version}; this version of Andrea reads {OurFormatVersion}. Read it with the version that wrote it.");
    }

    private static string HashBefore(int end, ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes[..end]));
}

/// <summary>How state.json and run.json are written: without reflection, so that the library can be trimmed and compiled ahead of time.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CheckpointManifest))]
[JsonSerializable(typeof(TrainerOptions))]
[JsonSerializable(typeof(AdamWOptions))]
[JsonSerializable(typeof(SoftSignOptions))]
[JsonSerializable(typeof(RunDescription))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
