namespace Andrea.Cpu.MatMul;

/// <summary>A matrix product with its epilogue: output[m, n] = initial[m, n] + bias[n] + sum over k of left[m, k] * right[k, n].</summary>
internal unsafe struct Product
{
    /// <summary>Lanes are the rows of the output.</summary>
    public Operand Left;

    /// <summary>Lanes are the columns of the output.</summary>
    public Operand Right;

    /// <summary>Number of k.</summary>
    public long Depth;

    /// <summary>(rows, columns) that the product is added to, or null. May be the output itself.</summary>
    public float* Initial;

    /// <summary>(columns) added to each row, or null.</summary>
    public float* Bias;

    /// <summary>(rows, columns) out.</summary>
    public float* Output;

    /// <summary>What is done with the output once it is complete; nothing by default.</summary>
    public Epilogue Epilogue;
}
