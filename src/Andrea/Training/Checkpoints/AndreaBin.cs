using System.Buffers.Binary;
using System.Globalization;
using Andrea.Tensors;

namespace Andrea.Training.Checkpoints;

/// <summary>Imports and exports the <c>step_NNNNNN.bin</c> checkpoints of the ANDREA models.</summary>
/// <remarks>
/// The file, little-endian: int32 step, int32 n, then n float32 weights, n first moments and n second moments. Weights come in the order of
/// Andrea's arenas: token table, position table, each block's attention and MLP matrices, output head; matrices are (outputs, inputs),
/// row-major.
/// <para>Whether the norms' weights belong to the n is not published, so the reader accepts both counts: n = all elements of the model, in
/// arena order; or n = those of the tensors with two dimensions, with norms and biases left as they are. The writer counts all elements
/// unless told otherwise, because leaving norms out loses what they learned.</para>
/// <para>The format holds no configuration, vocabulary, data position or checksum: a file of the right length is believed. Resuming from it
/// is not exact; from Andrea's own checkpoints it is.</para>
/// </remarks>
public static class AndreaBin
{
    private const int HeaderLength = 2 * sizeof(int);
    private const int PartCount = 3;

    /// <summary>The name that ANDREA gives the checkpoint of a step: <c>step_000100.bin</c>.</summary>
    /// <param name="step">Step number, from 0 to 2,147,483,647.</param>
    /// <returns>The name, without a folder.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The step is negative, or more than the file can count.</exception>
    public static string FileNameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"step_{Checked(step):D6}.bin");

    /// <summary>Writes a file. A crash leaves the file that was there before, or the new one, never half of it.</summary>
    /// <param name="path">File to write or replace; its folder is created when missing.</param>
    /// <param name="step">Number of optimizer steps done, from 0 to 2,147,483,647: the file has 32 bits for it.</param>
    /// <param name="parameters">The weights; read only, as are the moments.</param>
    /// <param name="firstMoments">AdamW's first moments, in the layout of the weights.</param>
    /// <param name="secondMoments">AdamW's second moments, in the layout of the weights.</param>
    /// <param name="matricesOnly">Whether to leave out what has one dimension: norms and biases.</param>
    /// <exception cref="ArgumentException">The step is negative, the layouts differ, or the steps or weights are more than the file can
    /// count; nothing was written.</exception>
    /// <exception cref="CheckpointException">The disk is full, or refuses.</exception>
    public static void Write(
        string path, long step, ParameterArena parameters, ParameterArena firstMoments, ParameterArena secondMoments, bool matricesOnly = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        int shortStep = Checked(step);
        ParameterArena[] parts = CheckParts(parameters, firstMoments, secondMoments);
        long count = Count(parameters, matricesOnly);
        if (count > int.MaxValue)
            throw new ArgumentException(
                $"The model has {count} weights; ANDREA's format counts at most {int.MaxValue}. Write a .safetensors file instead.",
                nameof(parameters));
        CheckpointDisk.Real.ReplaceFile(path, FileLength(count), writer =>
        {
            Span<byte> header = stackalloc byte[HeaderLength];
            BinaryPrimitives.WriteInt32LittleEndian(header, shortStep);
            BinaryPrimitives.WriteInt32LittleEndian(header[sizeof(int)..], (int)count);
            writer.Write(header);
            foreach (ParameterArena part in parts)
                foreach (int tensor in Selected(part, matricesOnly))
                    writer.Write(part[tensor]);
        });
    }

    /// <summary>Overwrites weights and moments with those of a file.</summary>
    /// <param name="path">File to read.</param>
    /// <param name="parameters">The weights to overwrite; untouched when the file is refused, as are the moments.</param>
    /// <param name="firstMoments">AdamW's first moments, in the layout of the weights.</param>
    /// <param name="secondMoments">AdamW's second moments, in the layout of the weights.</param>
    /// <returns>The number of optimizer steps done.</returns>
    /// <exception cref="ArgumentException">The layouts differ.</exception>
    /// <exception cref="CheckpointFormatException">There is no such file, it is cut off or too long, its step is negative, or it is of
    /// another model.</exception>
    /// <exception cref="CheckpointException">The file may not be read.</exception>
    public static long Read(string path, ParameterArena parameters, ParameterArena firstMoments, ParameterArena secondMoments)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ParameterArena[] parts = CheckParts(parameters, firstMoments, secondMoments);
        using FileStream stream = SafetensorsReader.OpenFile(path);
        if (stream.Length < HeaderLength)
            throw new CheckpointFormatException(
                $"'{path}' has {stream.Length} bytes; an ANDREA checkpoint begins with {HeaderLength} for step and count. "
                + "It is cut off: take another copy.");
        Span<byte> header = stackalloc byte[HeaderLength];
        stream.ReadExactly(header);
        int step = BinaryPrimitives.ReadInt32LittleEndian(header);
        int count = BinaryPrimitives.ReadInt32LittleEndian(header[sizeof(int)..]);
        bool matricesOnly = CheckHeader(path, step, count, stream.Length, parameters);
        var reader = new TensorReader(stream);
        foreach (ParameterArena part in parts)
            foreach (int tensor in Selected(part, matricesOnly))
                reader.Read(part[tensor]);
        return step;
    }

    private static int Checked(long step) => step is >= 0 and <= int.MaxValue ? (int)step : throw new ArgumentOutOfRangeException(
        nameof(step), step, $"The step is {step}; ANDREA's format counts steps from 0 to {int.MaxValue}. Write a .safetensors file instead.");

    /// <summary>Whether the file holds the matrices only; refuses it if it fits neither way.</summary>
    private static bool CheckHeader(string path, int step, int count, long fileLength, ParameterArena parameters)
    {
        long all = Count(parameters, matricesOnly: false), matrices = Count(parameters, matricesOnly: true);
        if (step < 0)
            throw new CheckpointFormatException(
                $"'{path}' says it is of step {step}; steps count from 0. It is damaged or no ANDREA checkpoint: take another file.");
        if (count != all && count != matrices)
            throw new CheckpointFormatException(
                $"'{path}' holds {count} weights; this model has {all}, {matrices} of them in matrices. "
                + "Choose the preset that the file was trained with.");
        if (fileLength != FileLength(count))
            throw new CheckpointFormatException(
                $"'{path}' has {fileLength} bytes; {count} weights with two moments each take {FileLength(count)}. "
                + $"It {(fileLength < FileLength(count) ? "is cut off" : "has bytes too many")}: take another copy.");
        return count != all;
    }

    private static IEnumerable<int> Selected(ParameterArena arena, bool matricesOnly) =>
        Enumerable.Range(0, arena.Count).Where(tensor => !matricesOnly || arena.ShapeOf(tensor).Rank >= 2);

    private static long Count(ParameterArena arena, bool matricesOnly) =>
        Selected(arena, matricesOnly).Sum(tensor => arena.ShapeOf(tensor).Length);

    private static long FileLength(long count) => HeaderLength + PartCount * sizeof(float) * count;

    private static ParameterArena[] CheckParts(ParameterArena parameters, ParameterArena firstMoments, ParameterArena secondMoments)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(firstMoments);
        ArgumentNullException.ThrowIfNull(secondMoments);
        foreach (ParameterArena moments in (ReadOnlySpan<ParameterArena>)[firstMoments, secondMoments])
            if (moments.Layout != parameters.Layout)
                throw new ArgumentException(
                    $"The moments have a layout of {moments.Count} tensors of their own, the weights one of {parameters.Count}. "
                    + "Build weights and moments from one ParameterLayout.");
        return [parameters, firstMoments, secondMoments];
    }
}
