namespace Deepseek.Inference.Kernels;

/// <summary>Attention of the newest tokens of sequences over their cached rows: softmax(scale · q · K) · V for each token and head.</summary>
/// <remarks>
/// <para>
/// An output has one order of summation, whatever the other tokens and heads of a call, the threads and the instruction set: <see cref="ScalarAttention"/> defines it. Positions are split at the multiples of
/// 256. Of each split that a query sees something of come the largest score m, l = Σ exp(score − m), and the values weighted by exp(score − m); they are joined in the order of positions, and divided by l at the
/// end. A score is a sum of 16 lanes: lane i mod 16 takes element i, by fused multiply-add; weighted values are added by fused multiply-add, position by position.
/// </para>
/// <para>
/// Over whole numbers a query's latent and rope parts, and the weights of every 32 positions, are rounded, too, such that sums of 32 products are exact (<see cref="CodeSteps"/>): of 32 neighbouring elements, or of 32 positions.
/// They are converted to single precision and added in order, and factors are joined there.
/// </para>
/// <para>
/// What a query does not see adds nothing, whatever its row holds. What it sees and is not finite makes its output NaN. Not thread-safe: one call at a time. Memory is reused; once it is large enough, vector paths
/// allocate nothing.
/// </para>
/// </remarks>
internal sealed unsafe partial class CacheAttention : IDisposable
{
    // Largest blocks a thread from which on a block's splits are computed by one worker, one after the other.
    private const int BlocksPerThread = 4;

    // Partial results held at once, unless one split's are more.
    private const long PartialBytes = 32 << 20;

    // Splits of a wave; their places fit the stack.
    private const long MostSplits = 1024;

    private readonly KernelPath _path;
    private readonly AlignedMemory _partials = new();
    private readonly BlockWork _blocks;
    private readonly SplitWork _splits;
    private readonly MergeWork _merges;
    private readonly ScoreWork _scores;
    private readonly ColumnWork _columns;
    private readonly AttentionPieces _pieces = new();
    private readonly ScalarWork _rows;
    private AlignedMemory[] _workers = [];
    private AttentionCall[] _calls = new AttentionCall[1]; // what has been added
    private int _count;
    private int _first; // of those whose blocks are shared out
    private AttentionCall _call; // that whose splits, groups or rows are shared out
    private bool _disposed;

    /// <summary>Takes no memory yet.</summary>
    public CacheAttention()
        : this(KernelPaths.Selected)
    {
    }

    internal CacheAttention(KernelPath path)
    {
        _path = path;
        _blocks = new BlockWork(this);
        _splits = new SplitWork(this);
        _merges = new MergeWork(this);
        _scores = new ScoreWork(this);
        _columns = new ColumnWork(this);
        _rows = new ScalarWork(this);
    }

    /// <summary>Forgets what has been added and not computed, as where a fault came in between.</summary>
    public void Begin() => _count = 0;

    /// <summary>Adds tokens of a sequence, whose rows, and those of all positions before them, are in the cache, to what the next <see cref="Run(ThreadTeam)"/> computes; what pointers lead to stays there until then.</summary>
    /// <param name="shape">The heads, and what a row holds.</param>
    /// <param name="cache">The rows of positions 0 to firstPosition + tokens − 1. All of them are readable, seen or not.</param>
    /// <param name="firstPosition">The first token's position.</param>
    /// <param name="tokens">Tokens, T, at consecutive positions; with 0 nothing is done.</param>
    /// <param name="queries">[T, H, key width].</param>
    /// <param name="queryStride">Elements from one token's queries to the next one's.</param>
    /// <param name="scale">What queries are multiplied by first.</param>
    /// <param name="window">What a query sees.</param>
    /// <param name="output">Receives [T, H, value width].</param>
    /// <param name="outputStride">Elements from one token's outputs to the next one's.</param>
    /// <exception cref="ArgumentNullException">A pointer is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A position, count, stride or window is out of range.</exception>
    /// <exception cref="ArgumentException">The shape does not fit the cache.</exception>
    /// <exception cref="ObjectDisposedException">This object is disposed of.</exception>
    public void Add(AttentionShape shape, CachedRows cache, int firstPosition, int tokens, float* queries, long queryStride, float scale, AttentionWindow window, float* output, long outputStride)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Require(shape, cache);
        Require(shape, firstPosition, tokens, queries, queryStride, window, output, outputStride);
        if (tokens == 0)
            return;

        if (_count == _calls.Length)
            Array.Resize(ref _calls, 2 * _count);
        _calls[_count++] = new AttentionCall
        {
            Shape = shape,
            Cache = cache,
            Window = window,
            FirstPosition = firstPosition,
            Tokens = tokens,
            Queries = queries,
            QueryStride = queryStride,
            Scale = scale,
            Outputs = output,
            OutputStride = outputStride,
            Vnni = _path == KernelPath.Avx512Vnni,
            BlockRows = AttentionCall.Padded(Math.Min(AttentionCall.MostBlockRows, tokens * shape.HeadsPerGroup), AttentionCall.TileRows),
        };
    }

    /// <summary>Computes the outputs of what has been added, each sequence's by itself.</summary>
    /// <param name="team">The threads that compute.</param>
    /// <exception cref="ArgumentNullException"><paramref name="team"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">This object is disposed of.</exception>
    public void Run(ThreadTeam team)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(team);
        if (_count == 0)
            return;

        try
        {
            // Those that see most first: one that is much longer than the rest would hold up all as one worker's item.
            _calls.AsSpan(0, _count).Sort(static (a, b) => b.Positions.CompareTo(a.Positions));
            for (_first = 0; _first < _count; _first++)
            {
                if (_path != KernelPath.Scalar && SharesBlocks(team.Threads, _calls.AsSpan(_first, _count - _first)))
                {
                    RunBlocks(team);
                    break;
                }

                _call = _calls[_first];
                if (_path == KernelPath.Scalar)
                    team.Run(_call.Shape.Groups * _call.GroupRows, _rows);
                else if (SharesGroups(_call, team.Threads))
                    RunGroups(team);
                else
                    RunSplits(team);
            }
        }
        finally
        {
            _count = 0;
        }
    }

    /// <summary>Frees the memory. A second call does nothing.</summary>
    public void Dispose()
    {
        _disposed = true;
        _partials.Dispose();
        foreach (var worker in _workers)
            worker.Dispose();
    }

    /// <summary>Whether a worker takes whole blocks of these calls: if each finds several times what the largest block is, or they are short.</summary>
    private static bool SharesBlocks(int threads, ReadOnlySpan<AttentionCall> calls)
    {
        var longest = 0;
        long work = 0;
        foreach (ref readonly var call in calls)
        {
            longest = Math.Max(longest, call.SeenSplits);
            work += (long)call.Blocks * call.SeenSplits;
        }

        return threads == 1 || work >= (long)BlocksPerThread * threads * longest || (longest == 1 && calls.Length >= threads);
    }

    // Blocks of the calls from the first one on, which count on from one call to the next.
    private void RunBlocks(ThreadTeam team)
    {
        var calls = _calls.AsSpan(_first, _count - _first);
        var blocks = 0;
        foreach (ref var call in calls)
        {
            call.FirstBlock = blocks;
            blocks += call.Blocks;
        }

        ReserveWorkers(team.Threads, calls);
        _blocks.Count = blocks;
        team.Run(blocks, _blocks);
    }

    private void ReserveWorkers(int threads, ReadOnlySpan<AttentionCall> calls)
    {
        var known = _workers.Length;
        if (known < threads)
        {
            Array.Resize(ref _workers, threads);
            for (var i = known; i < threads; i++)
                _workers[i] = new AlignedMemory();
        }

        nuint bytes = 0;
        foreach (ref readonly var call in calls)
            bytes = Math.Max(bytes, AttentionScratch.At(call, null).Bytes);
        for (var i = 0; i < threads; i++)
            *AttentionScratch.At(calls[0], _workers[i].Reserve(bytes)).PreparedBlock = -1;
    }

    // Waves of splits: partial results of all blocks in any order, then they are joined in the order of positions.
    private void RunSplits(ThreadTeam team)
    {
        while (_call.BlockRows > _call.LeastRows && HasFewSplits(_call, team.Threads))
            _call.BlockRows = AttentionCall.Padded(_call.BlockRows / 2, _call.LeastRows);
        ReserveWorkers(team.Threads, new ReadOnlySpan<AttentionCall>(in _call));
        var stride = _call.PartialStride;
        var rows = _call.Blocks * _call.BlockRows;
        var length = PartialResults.LengthOf(rows, stride);
        var wave = (int)Math.Clamp(PartialBytes / (length * sizeof(float)), 1, Math.Min(MostSplits, _call.SeenSplits));
        var start = (float*)_partials.Reserve((nuint)((wave + 1) * length * sizeof(float)) + BandLayout.LineBytes);
        _merges.State = new PartialResults(start, rows, stride);
        new Span<float>(_merges.State.Sums, rows).Clear();
        _merges.Parts = _splits.Parts = start + length;
        _merges.Rows = rows;
        for (var first = 0; first < _call.SeenSplits; first += wave)
        {
            _merges.First = _splits.First = first;
            _merges.Count = _splits.Count = Math.Min(wave, _call.SeenSplits - first);
            team.Run(_call.Blocks * _splits.Count, _splits);
            team.Run(rows / AttentionCall.TileRows, _merges);
        }
    }
}
