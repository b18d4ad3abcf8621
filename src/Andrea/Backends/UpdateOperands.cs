using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>What every update of parameters works on.</summary>
/// <param name="Table">The chunks, with all four addresses.</param>
/// <param name="Tensors">(TensorCount) in: decay and learning rate factor of each tensor.</param>
/// <param name="LearningRate">(1) in.</param>
/// <param name="State">(1) in and out: step counter and powers of the betas.</param>
/// <param name="Clip">In, or null: coefficients to fold in, and the skip flag, which leaves everything bit-identical.</param>
internal readonly record struct UpdateOperands(
    ChunkTable Table,
    DeviceBuffer<AdamWTensor> Tensors,
    DeviceBuffer<double> LearningRate,
    DeviceBuffer<AdamWState> State,
    ClipOutcome? Clip);

/// <summary>What S3 does alike for all tensors.</summary>
/// <param name="Beta">Decay of both moments, in (0, 1).</param>
/// <param name="Power">p: 1, 2, 3 or 4.</param>
internal readonly record struct SoftSignSettings(double Beta, int Power);
