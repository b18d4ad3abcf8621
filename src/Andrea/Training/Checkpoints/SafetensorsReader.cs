using System.Security.Cryptography;
using Andrea.Tensors;

namespace Andrea.Training.Checkpoints;

/// <summary>An open safetensors file. The order of use is the safety: open, verify, match, and only then read into arenas.</summary>
internal sealed class SafetensorsReader : IDisposable
{
    private readonly FileStream _stream;
    private readonly string _path;
    private readonly List<Tensor> _targets = [];
    private long _dataStart;

    private SafetensorsReader(FileStream stream, string path) => (_stream, _path) = (stream, path);

    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="CheckpointFormatException">There is no such file.</exception>
    public static SafetensorsReader Open(string path) => new(OpenFile(path), path);

    /// <summary>Compares the file with what was recorded when it was written.</summary>
    /// <exception cref="CheckpointFormatException">Length or hash differ.</exception>
    public void Verify(FileDigest expected)
    {
        if (_stream.Length != expected.Length)
            throw new CheckpointFormatException(
                $"'{_path}' has {_stream.Length} bytes, but its checkpoint recorded {expected.Length}: it is cut off or was replaced. "
                + "Use another checkpoint.");
        _stream.Position = 0;
        string actual = Convert.ToHexStringLower(SHA256.HashData(_stream));
        if (actual != expected.Sha256)
            throw new CheckpointFormatException(
                $"'{_path}' is damaged: its SHA-256 is {actual}, but its checkpoint recorded {expected.Sha256}. Use another checkpoint.");
    }

    /// <summary>Finds a place for every tensor of the file, and a tensor of the file for every place.</summary>
    /// <exception cref="CheckpointFormatException">The header is invalid, or names or shapes differ.</exception>
    public void Match(IReadOnlyList<TensorGroup> groups)
    {
        _stream.Position = 0;
        IReadOnlyList<SafetensorsEntry> entries = SafetensorsHeader.Read(_stream, _path);
        _dataStart = _stream.Position;
        var wanted = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((string prefix, ParameterArena arena) in groups)
            for (int i = 0; i < arena.Count; i++)
                wanted.Add(prefix + arena.NameOf(i), arena[i]);
        _targets.Clear();
        foreach (SafetensorsEntry entry in entries)
        {
            if (!wanted.Remove(entry.Name, out Tensor target))
                throw new CheckpointFormatException(
                    $"'{_path}' has a tensor '{entry.Name}' that this model lacks. "
                    + "Build the model with the configuration that the file was written with.");
            if (!entry.Shape.AsSpan().SequenceEqual(target.Shape.ToArray()))
                throw new CheckpointFormatException(
                    $"Tensor '{entry.Name}' of '{_path}' has shape {entry.ShapeText}; this model expects {target.Shape}. "
                    + "Build the model with the configuration that the file was written with.");
            _targets.Add(target);
        }
        if (wanted.Count > 0)
            throw new CheckpointFormatException(
                $"'{_path}' lacks {wanted.Count} of this model's tensors, '{wanted.Keys.First()}' among them. "
                + "Build the model with the configuration that the file was written with.");
    }

    /// <summary>Overwrites the matched tensors with the file's.</summary>
    public void Read()
    {
        _stream.Position = _dataStart;
        var reader = new TensorReader(_stream);
        foreach (Tensor target in _targets)
            reader.Read(target);
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>Opens a file of weights, front to back.</summary>
    /// <exception cref="CheckpointFormatException">There is no such file.</exception>
    public static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointFormatException($"There is no file '{path}'. Pass the path of an existing checkpoint or file of weights.", exception);
        }
        catch (Exception exception) when (CheckpointDisk.IsRefusal(exception))
        {
            throw new CheckpointException($"'{path}' could not be read ({exception.Message.TrimEnd('.')}). Check its permissions.", exception);
        }
    }
}
