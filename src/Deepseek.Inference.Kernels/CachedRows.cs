namespace Deepseek.Inference.Kernels;

/// <summary>The cached rows of one sequence in one layer: position p's row begins at element p · stride.</summary>
/// <param name="format">What an element is.</param>
/// <param name="start">The row of position 0. Rows may begin at any address that suits their elements.</param>
/// <param name="stride">Elements from a row to the next one.</param>
/// <param name="scales">Of Int16, [positions, 2]: the scale of the row's latent part, then that of its rope part; otherwise null.</param>
internal readonly unsafe struct CachedRows(CacheFormat format, void* start, long stride, float* scales = null)
{
    /// <summary>What an element is.</summary>
    public CacheFormat Format { get; } = format;

    /// <summary>The row of position 0.</summary>
    public byte* Start { get; } = (byte*)start;

    /// <summary>Elements from a row to the next one.</summary>
    public long Stride { get; } = stride;

    /// <summary>Of Int16, [positions, 2].</summary>
    public float* Scales { get; } = scales;

    /// <summary>Bytes of an element.</summary>
    public int ElementBytes => Format == CacheFormat.Fp32 ? sizeof(float) : sizeof(ushort);

    /// <summary>Where an element of a position's row lies.</summary>
    public byte* At(long position, int element) => Start + (((position * Stride) + element) * ElementBytes);
}
