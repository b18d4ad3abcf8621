using Andrea.Tensors;

namespace Andrea.Training.Checkpoints;

/// <summary>One checkpoint: a folder with model.safetensors, optimizer.safetensors and state.json; with a spike guard that keeps
/// snapshots, guard.safetensors, too.</summary>
/// <remarks>Whatever is wrong with it is found before the first element of a target is overwritten. Loading reads each file twice: to
/// verify, then to copy.</remarks>
internal static class CheckpointFolder
{
    public const string ModelFile = "model.safetensors", OptimizerFile = "optimizer.safetensors", GuardFile = "guard.safetensors";

    // Two headers and state.json; generous, as it only serves a message.
    private const long OverheadBytes = 1 << 16;

    /// <summary>Bytes that a checkpoint of these tensors takes on the disk, about.</summary>
    public static long EstimateBytes(CheckpointTensors tensors) => tensors.LengthBytes + OverheadBytes;

    /// <summary>Writes a checkpoint into a new folder and flushes all of it to the disk.</summary>
    /// <returns>The state as written: marked as not finite if a tensor is not.</returns>
    /// <exception cref="IOException">The disk refuses; the folder may be there in part.</exception>
    public static CheckpointState Write(CheckpointDisk disk, string folder, CheckpointState state, CheckpointTensors tensors)
    {
        bool finite = state.Finite && IsFiniteOrNone(state.LossEma) && IsFiniteOrNone(state.ValidationLoss);
        disk.CreateFolder(folder);
        FileDigest Write(string file, TensorGroup[] groups) => disk.WriteFile(Path.Combine(folder, file), writer =>
        {
            SafetensorsFile.Write(writer, groups, new Dictionary<string, string> { ["format"] = "pt", ["writer"] = "andrea" });
            finite &= writer.AllFinite;
        });
        var files = new Dictionary<string, FileDigest>
        {
            [ModelFile] = Write(ModelFile, tensors.ModelGroups),
            [OptimizerFile] = Write(OptimizerFile, tensors.OptimizerGroups),
        };
        if (tensors.GuardGroups.Length > 0)
            files.Add(GuardFile, Write(GuardFile, tensors.GuardGroups));
        CheckpointState written = state with { Finite = finite };
        byte[] manifest = new CheckpointManifest { Files = files, State = written }.ToBytes();
        disk.WriteFile(Path.Combine(folder, CheckpointManifest.FileName), writer => writer.Write(manifest));
        disk.FlushFolder(folder);
        return written;
    }

    /// <summary>Reads the training state alone, to build a model of the right size.</summary>
    /// <exception cref="CheckpointFormatException">The folder is no intact checkpoint; its other files are not looked at.</exception>
    public static CheckpointState ReadState(string folder) => CheckpointManifest.Read(folder).State;

    /// <summary>Overwrites parameters and moments with the checkpoint's.</summary>
    /// <returns>The training state.</returns>
    /// <exception cref="CheckpointFormatException">The checkpoint is damaged or of another model; nothing was overwritten.</exception>
    public static CheckpointState Load(string folder, CheckpointTensors tensors)
    {
        CheckpointManifest manifest = CheckpointManifest.Read(folder);
        using SafetensorsReader model = OpenVerified(folder, ModelFile, manifest);
        using SafetensorsReader optimizer = OpenVerified(folder, OptimizerFile, manifest);
        using SafetensorsReader? guard = tensors.GuardGroups.Length > 0 ? OpenVerified(folder, GuardFile, manifest) : null;
        model.Match(tensors.ModelGroups);
        optimizer.Match(tensors.OptimizerGroups);
        guard?.Match(tensors.GuardGroups);
        model.Read();
        optimizer.Read();
        guard?.Read();
        return manifest.State;
    }

    /// <summary>Overwrites parameters alone, for sampling; the optimizer's file is not looked at.</summary>
    /// <returns>The training state.</returns>
    /// <exception cref="CheckpointFormatException">The checkpoint is damaged or of another model; nothing was overwritten.</exception>
    public static CheckpointState LoadParameters(string folder, ParameterArena parameters)
    {
        CheckpointManifest manifest = CheckpointManifest.Read(folder);
        using SafetensorsReader model = OpenVerified(folder, ModelFile, manifest);
        model.Match([new TensorGroup("", parameters)]);
        model.Read();
        return manifest.State;
    }

    /// <summary>Checks every byte of a checkpoint without loading it.</summary>
    /// <exception cref="CheckpointFormatException">It is damaged.</exception>
    public static void Verify(string folder)
    {
        CheckpointManifest manifest = CheckpointManifest.Read(folder);
        OpenVerified(folder, ModelFile, manifest).Dispose();
        OpenVerified(folder, OptimizerFile, manifest).Dispose();
        if (manifest.Files.ContainsKey(GuardFile))
            OpenVerified(folder, GuardFile, manifest).Dispose();
    }

    private static SafetensorsReader OpenVerified(string folder, string file, CheckpointManifest manifest)
    {
        if (!manifest.Files.TryGetValue(file, out FileDigest? digest))
            throw new CheckpointFormatException(
                $"'{Path.Combine(folder, CheckpointManifest.FileName)}' does not list {file}. Use another checkpoint.");
        SafetensorsReader reader = SafetensorsReader.Open(Path.Combine(folder, file));
        try
        {
            reader.Verify(digest);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    private static bool IsFiniteOrNone(double? loss) => loss is not { } value || double.IsFinite(value);
}
