namespace Andrea.Numerics;

/// <summary>Philox4x32-10: a counter-based random generator. Number n of stream s is a pure function of (seed, s, n), the same on every machine.</summary>
/// <remarks>
/// There is no hidden state to save: whoever knows seed, stream and position can go on from there. Salmon et al. 2011, "Parallel random
/// numbers: as easy as 1, 2, 3"; passes the authors' known-answer tests.
/// </remarks>
internal struct Philox
{
    private const uint MultiplierA = 0xD2511F53, MultiplierB = 0xCD9E8D57;
    private const uint WeylA = 0x9E3779B9, WeylB = 0xBB67AE85;

    private readonly uint _keyLow, _keyHigh;
    private readonly ulong _stream;
    private ulong _position;

    /// <summary>Opens a stream at its beginning, or further on.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Streams of one seed are independent of each other: one for each purpose.</param>
    /// <param name="position">How many 32-bit numbers to have drawn already.</param>
    public Philox(ulong seed, ulong stream = 0, ulong position = 0)
    {
        _keyLow = (uint)seed;
        _keyHigh = (uint)(seed >> 32);
        _stream = stream;
        _position = position;
    }

    /// <summary>How many 32-bit numbers have been drawn from the stream.</summary>
    public readonly ulong Position => _position;

    /// <summary>Draws 32 random bits.</summary>
    public uint NextUInt32()
    {
        ulong block = _position >> 2;
        (uint x0, uint x1, uint x2, uint x3) = Block(_keyLow, _keyHigh, (uint)block, (uint)(block >> 32), (uint)_stream, (uint)(_stream >> 32));
        return (_position++ & 3) switch { 0 => x0, 1 => x1, 2 => x2, _ => x3 };
    }

    /// <summary>Draws 64 random bits; two positions.</summary>
    public ulong NextUInt64() => ((ulong)NextUInt32() << 32) | NextUInt32();

    /// <summary>Draws a double in the open interval (0, 1), with 53 random bits; two positions.</summary>
    public double NextDouble() => ((NextUInt64() >> 11) + 0.5) * (1.0 / (1UL << 53));

    /// <summary>Draws an integer in [0, <paramref name="bound"/>); two positions.</summary>
    /// <param name="bound">Above 0. The bias is below bound / 2^64.</param>
    public long NextInt64(long bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (long)Math.BigMul(NextUInt64(), (ulong)bound, out _);
    }

    /// <summary>Draws an integer in [0, <paramref name="bound"/>); two positions.</summary>
    /// <param name="bound">Above 0.</param>
    public int NextInt32(int bound) => (int)NextInt64(bound);

    /// <summary>Draws from the normal distribution with mean 0 and variance 1; two positions.</summary>
    /// <remarks>By inversion, with arithmetic that IEEE 754 fixes bit for bit; see <see cref="NormalQuantile"/>.</remarks>
    public double NextNormal() => NormalQuantile.At(NextDouble());

    /// <summary>The ten rounds over one 128-bit counter.</summary>
    internal static (uint X0, uint X1, uint X2, uint X3) Block(uint key0, uint key1, uint c0, uint c1, uint c2, uint c3)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong a = (ulong)MultiplierA * c0;
            ulong b = (ulong)MultiplierB * c2;
            (c0, c1, c2, c3) = ((uint)(b >> 32) ^ c1 ^ key0, (uint)b, (uint)(a >> 32) ^ c3 ^ key1, (uint)a);
            key0 += WeylA;
            key1 += WeylB;
        }
        return (c0, c1, c2, c3);
    }
}
