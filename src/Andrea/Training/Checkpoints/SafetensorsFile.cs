using Andrea.Tensors;

namespace Andrea.Training.Checkpoints;

/// <summary>Reads and writes the tensors of an arena as a <c>.safetensors</c> file, which PyTorch, JAX and the rest of the field open as
/// well.</summary>
/// <remarks>
/// The file: an 8-byte little-endian length, a JSON header of that length (name, dtype F32, shape, byte range of each tensor), the data,
/// little-endian, row-major. Elements keep their bits, NaN payloads included. The tensors are streamed through a buffer of 1 MiB: no second
/// copy of the model is held. The format has no checksum; in a checkpoint, state.json records the SHA-256 of every file. Source:
/// https://github.com/huggingface/safetensors.
/// <example><code>
/// SafetensorsFile.Write("model.safetensors", parameters);
/// SafetensorsFile.Read("model.safetensors", parameters);
/// </code></example>
/// </remarks>
public static class SafetensorsFile
{
    /// <summary>Writes all tensors of an arena. A crash leaves the file that was there before, or the new one, never half of it.</summary>
    /// <param name="path">File to write or replace; its folder is created when missing.</param>
    /// <param name="parameters">The tensors, under their own names; read only.</param>
    /// <param name="metadata">Free texts for the header's <c>__metadata__</c>; nothing by default.</param>
    /// <exception cref="CheckpointException">The disk is full, or refuses.</exception>
    public static void Write(string path, ParameterArena parameters, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(parameters);
        long neededBytes = sizeof(float) * parameters.ElementCount;
        CheckpointDisk.Real.ReplaceFile(path, neededBytes, writer => Write(writer, [new TensorGroup("", parameters)], metadata));
    }

    /// <summary>Overwrites all tensors of an arena with those of a file. The names must be the same on both sides; their order may
    /// differ.</summary>
    /// <param name="path">File to read.</param>
    /// <param name="parameters">The tensors to overwrite; untouched when the file is refused.</param>
    /// <exception cref="CheckpointFormatException">There is no such file, it is damaged, holds other dtypes than F32, or is of another
    /// model.</exception>
    /// <exception cref="CheckpointException">The file may not be read.</exception>
    public static void Read(string path, ParameterArena parameters)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(parameters);
        using SafetensorsReader reader = SafetensorsReader.Open(path);
        reader.Match([new TensorGroup("", parameters)]);
        reader.Read();
    }

    /// <summary>Writes header and data of several arenas as one file.</summary>
    internal static void Write(TensorWriter writer, IReadOnlyList<TensorGroup> groups, IReadOnlyDictionary<string, string>? metadata = null)
    {
        writer.Write(SafetensorsHeader.Build(groups, metadata));
        foreach (TensorGroup group in groups)
            writer.Write(group.Arena);
    }
}
