using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Compute;

/// <summary>What the passes of a model on a CPU share: a team of threads, memory that is kept from pass to pass, and the products of weights as they are stored.</summary>
/// <remarks>
/// One pass at a time holds <see cref="Gate"/>. A product is shared out in units of <see cref="UnitRows"/> rows; each output has one order of summation, whatever thread computes it and whatever
/// other tokens are computed with it.
/// </remarks>
internal sealed unsafe class CpuEngine : IDisposable
{
    /// <summary>Rows of a matrix that one item of work computes: a band of a page store, and a block of activations.</summary>
    public const int UnitRows = BandLayout.BandRows;

    private readonly ActionWork _work = new();
    private readonly CpuBuffer[] _scratch;
    private readonly CpuBuffer[] _results;

    public CpuEngine(int threads, ActivationPrecision activations)
    {
        Activations = activations;
        Path = KernelPaths.Selected;
        Team = new ThreadTeam(threads);
        _scratch = [.. Enumerable.Range(0, threads).Select(_ => new CpuBuffer())];
        _results = [.. Enumerable.Range(0, threads).Select(_ => new CpuBuffer())];
        Normed = new CpuInput(this);
        Seen = new CpuInput(this);
        Products = new CpuProducts(this);
        FeedForward = new CpuFeedForward(this);
        Rows = new CpuRows(this);
        Latent = new CpuLatentAttention(this);
        Grouped = new CpuGroupedAttention(this);
    }

    /// <summary>Held by the pass that computes.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The threads.</summary>
    public ThreadTeam Team { get; }

    /// <summary>The instruction set.</summary>
    public KernelPath Path { get; }

    /// <summary>What activations are rounded to before they meet weights of 4 and 8 bits.</summary>
    public ActivationPrecision Activations { get; }

    /// <summary>Whether activations are rounded before any weights.</summary>
    public bool RoundsAny => Activations != ActivationPrecision.Fp32;

    /// <summary>Bytes of weights that products have read, each matrix once a call.</summary>
    public long BytesRead { get; private set; }

    /// <summary>The normed residual stream.</summary>
    public CpuInput Normed { get; }

    /// <summary>What attention hands to its output projection.</summary>
    public CpuInput Seen { get; }

    /// <summary>Products of several matrices at once.</summary>
    public CpuProducts Products { get; }

    /// <summary>Gated feed-forwards of several experts at once.</summary>
    public CpuFeedForward FeedForward { get; }

    /// <summary>What is done token by token.</summary>
    public CpuRows Rows { get; }

    /// <summary>Latent attention.</summary>
    public CpuLatentAttention Latent { get; }

    /// <summary>Grouped-query attention.</summary>
    public CpuGroupedAttention Grouped { get; }

    /// <summary>Whether a matrix meets rounded activations.</summary>
    public bool Rounds(WeightMatrix matrix) => RoundsAny && matrix is BandMatrix bands && BandProducts.Supports(bands.Layout.Precision);

    /// <summary>Runs items on the team; an item is told its worker.</summary>
    public void Each(int count, Action<int, int> item)
    {
        _work.Item = item;
        Team.Run(count, _work);
    }

    /// <summary>Memory of a worker for what lies within an item.</summary>
    public float* Scratch(int worker, long count) => _scratch[worker].Reserve(count);

    /// <summary>Memory of a worker for what an item's products give.</summary>
    public float* Results(int worker, long count) => _results[worker].Reserve(count);

    /// <summary>Counts a matrix as read.</summary>
    public void Count(WeightMatrix matrix) => BytesRead += matrix.ByteSize;

    /// <summary>Units of a matrix.</summary>
    public static int UnitsOf(WeightMatrix matrix) => (int)((matrix.Rows + UnitRows - 1) / UnitRows);

    /// <summary>Where a unit's weights begin; null where there is no such unit, or weights lie otherwise.</summary>
    public static byte* Address(WeightMatrix? matrix, int unit) => matrix is BandMatrix bands && unit < UnitsOf(matrix) ? bands.Address(unit) : null;

    /// <summary>Where the weights begin that follow a unit's: the next one's of its matrix, or the following matrix' first.</summary>
    public static byte* AddressAfter(WeightMatrix matrix, int unit, WeightMatrix? following)
    {
        var next = Address(matrix, unit + 1);
        return next is null ? Address(following, 0) : next;
    }

    /// <summary>Multiplies a unit's rows with tokens: y[i · stride + r] for its rows r, from 0.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="unit">The unit, from 0.</param>
    /// <param name="x">The tokens' rows.</param>
    /// <param name="tokens">Which rows, [count].</param>
    /// <param name="consecutive">Whether they follow one another.</param>
    /// <param name="count">How many.</param>
    /// <param name="y">Receives the outputs.</param>
    /// <param name="stride">Numbers from one token's outputs to the next one's.</param>
    /// <param name="worker">The worker, whose scratch is used.</param>
    /// <param name="next">What this worker will read next, but at the end of what it has claimed (<see cref="Address"/>).</param>
    public void Multiply(WeightMatrix matrix, int unit, CpuInput x, int* tokens, bool consecutive, int count, float* y, long stride, int worker, byte* next = null)
    {
        if (Rounds(matrix))
        {
            var bands = (BandMatrix)matrix;
            BandProducts.Multiply(bands.Layout, unit, bands.Address(unit), x.Rounded!, tokens, count, y, stride, next);
            return;
        }

        var columns = (int)matrix.Columns;
        var together = FloatProducts.RowsTogether(count);
        var scratch = Scratch(worker, ((long)together + (consecutive ? 0 : count)) * columns);
        var rows = consecutive ? x.Row(tokens[0]) : Gather(x, tokens, count, scratch + ((long)together * columns));
        var (first, end) = ((long)unit * UnitRows, Math.Min(matrix.Rows, ((long)unit + 1) * UnitRows));
        MultiplyInFp32(matrix, first, (int)(end - first), rows, columns, count, y, stride, scratch);
    }

    /// <summary>Multiplies rows with tokens in fp32, as they are stored where there is a kernel for it, else widened piece by piece: y[i · yStride + r] for the rows r, from 0.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="x">The tokens' activations, [count × columns].</param>
    /// <param name="xStride">Numbers from one token's activations to the next one's.</param>
    /// <param name="count">Tokens.</param>
    /// <param name="y">Receives the outputs.</param>
    /// <param name="yStride">Numbers from one token's outputs to the next one's.</param>
    /// <param name="scratch">Room for as many rows as <see cref="FloatProducts.RowsTogether"/> says.</param>
    public void MultiplyInFp32(WeightMatrix matrix, long first, int rows, float* x, long xStride, int count, float* y, long yStride, float* scratch)
    {
        var columns = (int)matrix.Columns;
        if ((count == 1 || xStride == columns) && matrix.TryMultiply(Path, first, rows, x, count, y, yStride))
            return;

        var together = FloatProducts.RowsTogether(count);
        for (var row = 0; row < rows; row += together)
        {
            var some = Math.Min(together, rows - row);
            FloatProducts.Multiply(Path, Widened(matrix, first + row, some, scratch), columns, some, x, xStride, count, columns, y + row, yStride);
        }
    }

    /// <summary>Rows in fp32: where they lie, or written to scratch memory.</summary>
    public static float* Widened(WeightMatrix matrix, long first, int count, float* scratch)
    {
        var address = matrix.TryAddress(first);
        if (address is not null)
            return address;

        matrix.WidenRows(first, count, scratch);
        return scratch;
    }

    public void Dispose()
    {
        Team.Dispose();
        foreach (var memory in (IDisposable[])[Normed, Seen, FeedForward, Products, Latent, Grouped, .. _scratch, .. _results])
            memory.Dispose();
    }

    private static float* Gather(CpuInput x, int* tokens, int count, float* destination)
    {
        for (var i = 0; i < count; i++)
            new ReadOnlySpan<float>(x.Row(tokens[i]), x.Columns).CopyTo(new Span<float>(destination + ((long)i * x.Columns), x.Columns));
        return destination;
    }

    private sealed class ActionWork : TeamWork
    {
        public Action<int, int> Item { get; set; } = (_, _) => { };

        public override void Run(int item, int worker) => Item(item, worker);
    }
}
