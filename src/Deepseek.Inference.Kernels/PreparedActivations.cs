using System.Globalization;

namespace Deepseek.Inference.Kernels;

/// <summary>The activations of some tokens, rounded once and put in the order in which products read them. They serve every matrix with as many columns.</summary>
/// <remarks>
/// <para>
/// In <see cref="ActivationPrecision.Int16"/> and <see cref="ActivationPrecision.Int8"/> an activation is a whole number times the scale of its block of 64 columns, the largest magnitude / 32,767 or / 127; it is
/// rounded to the nearest, ties to even. A block that holds no normal inverse becomes zeros, one that is not finite has such a scale, and so makes what it meets not finite. What a token becomes depends
/// on nothing but its activations: not on the instruction set, nor on other tokens.
/// </para>
/// <para>Memory grows as needed and is reused: nothing is allocated when sizes repeat. Several threads may read, or prepare different tokens; nothing else at the same time.</para>
/// </remarks>
public sealed unsafe class PreparedActivations : IDisposable
{
    private const int MaxColumns = 1 << 20; // as many as a matrix of a page store can have

    private readonly AlignedMemory _memory = new();

    /// <summary>Tokens that are held.</summary>
    public int Tokens { get; private set; }

    /// <summary>Activations of a token.</summary>
    public int Columns { get; private set; }

    /// <summary>What they were rounded to.</summary>
    public ActivationPrecision Precision { get; private set; }

    /// <summary>Blocks of a token, with those of zeros that fill it up to whole <see cref="ProductShape.ChunkBlocks"/>.</summary>
    internal int PaddedBlocks { get; private set; }

    /// <summary>Of precisions in whole numbers, [Tokens × PaddedBlocks × 64]: of each block first the even columns, then the odd ones.</summary>
    internal short* Words { get; private set; }

    /// <summary>Of single precision, [Tokens × PaddedBlocks × 4 × 16]: of each block first columns 0, 4, 8, …, then 1, 5, 9, …</summary>
    internal float* Singles { get; private set; }

    /// <summary>Of precisions in whole numbers, [Tokens × PaddedBlocks].</summary>
    internal float* Scales { get; private set; }

    /// <summary>Prepares activations; what was held before is gone.</summary>
    /// <param name="x">The activations, [tokens × columns].</param>
    /// <param name="stride">Elements from one token to the next.</param>
    /// <param name="tokens">Tokens, 0 or more.</param>
    /// <param name="columns">Activations of a token, 1 to 2²⁰.</param>
    /// <param name="precision">What to round to.</param>
    /// <exception cref="ArgumentNullException"><paramref name="x"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size or the precision is out of range.</exception>
    public void Prepare(float* x, long stride, int tokens, int columns, ActivationPrecision precision)
    {
        Reserve(tokens, columns, precision);
        PrepareTokens(x, stride, 0, tokens);
    }

    /// <summary>Makes room for activations, which <see cref="PrepareTokens(float*, long, int, int)"/> then brings; what was held before is gone.</summary>
    /// <param name="tokens">Tokens, 0 or more.</param>
    /// <param name="columns">Activations of a token, 1 to 2²⁰.</param>
    /// <param name="precision">What to round to.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size or the precision is out of range.</exception>
    public void Reserve(int tokens, int columns, ActivationPrecision precision)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns, MaxColumns);
        if (!Enum.IsDefined(precision))
            throw new ArgumentOutOfRangeException(nameof(precision), precision, "The precision is unknown.");

        (Tokens, Columns, Precision) = (tokens, columns, precision);
        PaddedBlocks = ProductShape.PaddedBlocks(columns);
        var blocks = (nuint)tokens * (nuint)PaddedBlocks;
        var scales = precision == ActivationPrecision.Fp32 ? 0 : blocks * sizeof(float);
        var width = precision == ActivationPrecision.Fp32 ? sizeof(float) : sizeof(short);
        var memory = _memory.Reserve(scales + (blocks * BandLayout.BlockColumns * (nuint)width));
        Scales = (float*)memory;
        Words = (short*)(memory + scales);
        Singles = (float*)(memory + scales);
    }

    /// <summary>Prepares some of the tokens for which there is room: different threads may bring different ones.</summary>
    /// <param name="x">The activations of the first of these tokens.</param>
    /// <param name="stride">Elements from one token to the next.</param>
    /// <param name="first">The first of these tokens, from 0.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentNullException"><paramref name="x"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no room for such tokens, or the stride is less than the columns.</exception>
    public void PrepareTokens(float* x, long stride, int first, int count) => PrepareTokens(KernelPaths.Selected, x, stride, first, count);

    internal void PrepareTokens(KernelPath path, float* x, long stride, int first, int count)
    {
        if (first < 0 || first > Tokens)
            throw new ArgumentOutOfRangeException(nameof(first), first, string.Create(CultureInfo.InvariantCulture, $"There is room for {Tokens} tokens, counted from 0."));
        if (count < 0 || count > Tokens - first)
            throw new ArgumentOutOfRangeException(nameof(count), count, string.Create(CultureInfo.InvariantCulture, $"There is room for {Tokens - first} tokens from token {first} on."));
        if (count == 0)
            return;
        ArgumentNullException.ThrowIfNull(x);
        if (count > 1 && stride < Columns)
            throw new ArgumentOutOfRangeException(nameof(stride), stride, string.Create(CultureInfo.InvariantCulture, $"A token has {Columns} activations; the next one must begin after them."));

        for (var token = first; token < first + count; token++)
        {
            var values = new ReadOnlySpan<float>(x + ((token - first) * stride), Columns);
            var at = (nuint)token * (nuint)PaddedBlocks;
            if (Precision == ActivationPrecision.Fp32)
                ActivationOrder.Arrange(path, values, Singles + (at * BandLayout.BlockColumns), PaddedBlocks);
            else
                ActivationOrder.Round(path, values, ProductShape.LargestOf(Precision), Scales + at, Words + (at * BandLayout.BlockColumns), PaddedBlocks);
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _memory.Dispose();
        (Tokens, Columns, PaddedBlocks) = (0, 0, 0);
        Scales = null;
        Words = null;
        Singles = null;
    }
}
