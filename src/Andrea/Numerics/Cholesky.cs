namespace Andrea.Numerics;

/// <summary>A = L L^T of a symmetric positive definite matrix, in double, and the solution of A x = b by it.</summary>
/// <remarks>
/// Written here, since the library depends on nothing but Microsoft's runtime packages, none of which has it: forty lines, which the tests
/// hold against a library's. n^3 / 6 multiplications and additions, row by row, so that every inner loop runs along memory; no pivoting, which
/// a matrix with a ridge on its diagonal does not need. Golub and Van Loan, Matrix Computations, 4.2.
/// </remarks>
internal sealed class Cholesky
{
    private readonly double[] _lower;
    private readonly int _size;

    /// <summary>Factors a matrix.</summary>
    /// <param name="matrix">(n, n) row-major; its lower half is read.</param>
    /// <param name="size">n.</param>
    /// <exception cref="ArithmeticException">The matrix is not positive definite, or not finite.</exception>
    public Cholesky(ReadOnlySpan<double> matrix, int size)
    {
        _size = size;
        _lower = matrix[..(size * size)].ToArray();
        for (int i = 0; i < size; i++)
        {
            Span<double> row = _lower.AsSpan(i * size, size);
            for (int j = 0; j < i; j++)
                row[j] = (row[j] - Dot(row, _lower.AsSpan(j * size, size), j)) / _lower[j * size + j];
            double pivot = row[i] - Dot(row, row, i);
            if (!(pivot > 0 && double.IsFinite(pivot)))
                throw new ArithmeticException($"The matrix of {size} x {size} is not positive definite: its pivot {i} is {pivot}. Add more to its diagonal.");
            row[i] = Math.Sqrt(pivot);
        }
    }

    /// <summary>Overwrites b with the x of A x = b.</summary>
    public void Solve(Span<double> b)
    {
        for (int i = 0; i < _size; i++)
            b[i] = (b[i] - Dot(_lower.AsSpan(i * _size, _size), b, i)) / _lower[i * _size + i];
        for (int i = _size - 1; i >= 0; i--)
        {
            b[i] /= _lower[i * _size + i];
            for (int j = 0; j < i; j++)
                b[j] -= _lower[i * _size + j] * b[i];
        }
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b, int count)
    {
        double sum = 0;
        for (int k = 0; k < count; k++)
            sum += a[k] * b[k];
        return sum;
    }
}
