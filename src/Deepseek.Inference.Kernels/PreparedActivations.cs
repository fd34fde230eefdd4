using System.Globalization;

namespace Deepseek.Inference.Kernels;

/// <summary>The activations of some tokens, rounded once and put in the order in which products read them. They serve every matrix with as many columns.</summary>
/// <remarks>
/// <para>
/// In <see cref="ActivationPrecision.Int16"/> and <see cref="ActivationPrecision.Int8"/> an activation is a whole number times the scale of its block of 64 columns, the largest magnitude / 32,767 or / 127, or in 16 bits the larger one that keeps a block's sum within <see cref="ProductShape.LargestSum"/>; it is
/// rounded to the nearest, ties to even. A block that holds no normal inverse becomes zeros, one that is not finite has such a scale, and so makes what it meets not finite. What a token becomes depends
/// on nothing but its activations: not on the instruction set, nor on other tokens.
/// </para>
/// <para>Memory grows as needed and is reused: nothing is allocated when sizes repeat. Several threads may read, or prepare different tokens; nothing else at the same time.</para>
/// </remarks>
internal sealed unsafe class PreparedActivations : IDisposable
{
    /// <summary>Bytes of a block in most orders: 64 numbers of 16 bits, or of 8 bits and what goes with them.</summary>
    public const int BlockBytes = 2 * BandLayout.BlockColumns;

    private const int MaxColumns = 1 << 20; // as many as a matrix of a page store can have

    private readonly AlignedMemory _memory = new();

    /// <summary>Tokens that are held.</summary>
    public int Tokens { get; private set; }

    /// <summary>Activations of a token.</summary>
    public int Columns { get; private set; }

    /// <summary>What they were rounded to.</summary>
    public ActivationPrecision Precision { get; private set; }

    /// <summary>Blocks of a token.</summary>
    public int BlockCount { get; private set; }

    /// <summary>The order of the numbers in a block: it decides which kernel can read them.</summary>
    public ActivationOrder Order { get; private set; }

    /// <summary>Bytes from a block to the next one.</summary>
    public int BlockStride => ActivationBlocks.BytesOf(Order);

    /// <summary>Numbers from a block's scale to the next one's.</summary>
    public int ScaleStride => ActivationBlocks.ScalesOf(Order);

    /// <summary>The blocks, [Tokens × BlockCount × <see cref="BlockStride"/>].</summary>
    public byte* Blocks { get; private set; }

    /// <summary>Their scales, [Tokens × BlockCount × <see cref="ScaleStride"/>].</summary>
    public float* Scales { get; private set; }

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
    public void Reserve(int tokens, int columns, ActivationPrecision precision) =>
        Reserve(tokens, columns, precision, ActivationBlocks.OrderOf(KernelPaths.Selected, precision));

    /// <summary>Makes room for activations in a given order.</summary>
    public void Reserve(int tokens, int columns, ActivationPrecision precision, ActivationOrder order)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns, MaxColumns);
        if (precision is not (ActivationPrecision.Int16 or ActivationPrecision.Int8))
            throw new ArgumentOutOfRangeException(nameof(precision), precision, "The precision must be Int16 or Int8; in fp32 activations need no preparation.");

        (Tokens, Columns, Precision, Order) = (tokens, columns, precision, order);
        BlockCount = (int)Lengths.CeilDiv(columns, BandLayout.BlockColumns);
        var blocks = (nuint)tokens * (nuint)BlockCount;
        // Kernels read a block beyond an odd last one, and do not use it.
        Blocks = _memory.Reserve((blocks * (nuint)(BlockStride + (ScaleStride * sizeof(float)))) + BlockBytes);
        Scales = (float*)(Blocks + (blocks * (nuint)BlockStride));
    }

    /// <summary>Prepares some of the tokens for which there is room: different threads may bring different ones.</summary>
    /// <param name="x">The activations of the first of these tokens.</param>
    /// <param name="stride">Elements from one token to the next.</param>
    /// <param name="first">The first of these tokens, from 0.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentNullException"><paramref name="x"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no room for such tokens, or the stride is less than the columns.</exception>
    public void PrepareTokens(float* x, long stride, int first, int count)
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
            var at = (long)token * BlockCount;
            ActivationBlocks.Round(x + ((token - first) * stride), Columns, ProductShape.LargestOf(Precision), Order, Scales + (at * ScaleStride), Blocks + (at * BlockStride));
        }
    }

    /// <summary>Prepares one block of 64 activations of a token for which there is room.</summary>
    /// <param name="values">The activations, [64]; of a short last block the others are 0.</param>
    /// <param name="token">The token, from 0.</param>
    /// <param name="block">The block, from 0.</param>
    public void PrepareBlock(float* values, int token, int block)
    {
        var at = ((long)token * BlockCount) + block;
        ActivationBlocks.RoundBlock(values, ProductShape.LargestOf(Precision), Order, Scales + (at * ScaleStride), Blocks + (at * BlockStride));
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _memory.Dispose();
        (Tokens, Columns, BlockCount) = (0, 0, 0);
        Scales = null;
        Blocks = null;
    }
}
