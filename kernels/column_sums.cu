/* column_sums.cu: a bias's gradient, the sums of a matrix's columns, in two kernels in order on one stream.
 * @formula   sums[c] += sum over rows of matrix[row, c]
 * @entry     k_column_sums_partial   grid C / 32 * shares   block 256   shared 1024 bytes
 * @entry     k_column_sums_final     grid C / 32            block 32    shared 0 bytes
 * @buffer    matrix f32 (rows, C) in; partials f32 (shares, C) out, in of final; sums f32 (C) in, out
 * @numerics  f32; a share is 256 rows. Row r of a share goes to accumulator r mod 8, r ascending; then accumulators ascending, then shares
 *            ascending, then the sum is added: the same bits on every GPU
 * @nonfinite NaN and Inf reach their own column's sum
 * @limits    rows, C < 2^31; C / 32 * shares < 2^31; pointers aligned to 4 bytes
 * @managed   Andrea.Cuda.Linear.ColumnSumKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      ColumnSumTests
 * @source    none
 */

constexpr int SHARE = 256;       /* rows; ColumnSumKernels.ShareRows */
constexpr int COLUMNS = 32;      /* columns of a block: a warp reads 128 neighbouring bytes of a row */
constexpr int ACCUMULATORS = 8;  /* warps of a block */

/* One block per share and 32 columns. */
extern "C" __global__ void __launch_bounds__(256)
k_column_sums_partial(const float* __restrict__ matrix, int rows, int columns, float* __restrict__ partials) {
    __shared__ float accumulators[ACCUMULATORS][COLUMNS];
    const unsigned tiles = ((unsigned)columns + COLUMNS - 1) / COLUMNS;
    const long long share = blockIdx.x / tiles;
    const long long column = (long long)(blockIdx.x % tiles) * COLUMNS + threadIdx.x % COLUMNS;
    const long long end = min((share + 1) * SHARE, (long long)rows);
    const bool there = column < columns;
    float sum = 0.0f;
    if (there) {
#pragma unroll 8
        for (long long row = share * SHARE + threadIdx.x / COLUMNS; row < end; row += ACCUMULATORS)
            sum += matrix[row * columns + column];
    }
    accumulators[threadIdx.x / COLUMNS][threadIdx.x % COLUMNS] = sum;
    __syncthreads(); /* every accumulator is there before they are joined */
    if (threadIdx.x >= COLUMNS || !there)
        return;
#pragma unroll
    for (int i = 1; i < ACCUMULATORS; i++)
        sum += accumulators[i][threadIdx.x];
    partials[share * columns + column] = sum;
}

/* One thread per column. */
extern "C" __global__ void __launch_bounds__(32)
k_column_sums_final(const float* __restrict__ partials, int shares, int columns, float* __restrict__ sums) {
    const long long column = (long long)blockIdx.x * 32 + threadIdx.x;
    if (column >= columns)
        return;
    float sum = partials[column];
#pragma unroll 8
    for (long long share = 1; share < shares; share++)
        sum += partials[share * columns + column];
    sums[column] += sum;
}
