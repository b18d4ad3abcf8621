namespace Andrea.Cuda.Linear;

/// <summary>Which of a linear layer's matrix products.</summary>
internal enum LinearOperation
{
    /// <summary>output (rows, O): sums over I.</summary>
    Forward,

    /// <summary>dInput (rows, I): sums over O.</summary>
    BackwardInput,

    /// <summary>dWeight (O, I): sums over rows.</summary>
    BackwardWeight,
}

/// <summary>A linear layer's product as column-major matrices: D = op(A) op(B) + (what is added), op transposing or not.</summary>
/// <param name="Operation">Which product.</param>
/// <param name="Rows">Rows of input and output.</param>
/// <param name="InputSize">I.</param>
/// <param name="OutputSize">O.</param>
/// <remarks>
/// A row-major matrix (R, C) is, read column by column, its transpose: (C, R) without gaps. So the results are computed transposed, which
/// exchanges the factors:
/// <code>
/// forward          output^T  (O, rows) = weight (O, I)    input^T   (I, rows)     memory holds weight^T and input^T: A transposed
/// backward input   dInput^T  (I, rows) = weight^T (I, O)  dOutput^T (O, rows)     memory holds both as they are
/// backward weight  dWeight^T (I, O)    = input^T (I, rows) dOutput  (rows, O)     memory holds input^T and dOutput^T: B transposed
/// </code>
/// </remarks>
internal readonly record struct LinearProduct(LinearOperation Operation, int Rows, int InputSize, int OutputSize)
{
    public bool TransposeA => Operation == LinearOperation.Forward;

    public bool TransposeB => Operation == LinearOperation.BackwardWeight;

    /// <summary>A's sizes in memory: the weight's, or the input's.</summary>
    public (int Rows, int Columns) A => (InputSize, Operation == LinearOperation.BackwardWeight ? Rows : OutputSize);

    /// <summary>B's sizes in memory: the input's, or the output's gradient's.</summary>
    public (int Rows, int Columns) B => (Operation == LinearOperation.Forward ? InputSize : OutputSize, Rows);

    /// <summary>D's sizes, and those of what is added.</summary>
    public (int Rows, int Columns) D => Operation switch
    {
        LinearOperation.Forward => (OutputSize, Rows),
        LinearOperation.BackwardInput => (InputSize, Rows),
        _ => (InputSize, OutputSize),
    };
}
