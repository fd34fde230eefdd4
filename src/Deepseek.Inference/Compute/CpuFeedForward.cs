using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Compute;

/// <summary>Gated feed-forwards of several experts, each with tokens of its own: (SiLU(x Gᵀ) ∘ x Uᵀ) Dᵀ, in two runs of the team.</summary>
/// <remarks>A unit of gate and up gives 64 numbers of a token, which are rounded at once: a block of what down reads.</remarks>
internal sealed unsafe class CpuFeedForward : IDisposable
{
    private const int Unit = CpuEngine.UnitRows;

    // Tokens of an item. Where numbers are rounded, those of gate and up stay in the second cache until they are; elsewhere rows are widened once for as many tokens as can be.
    private const int RoundedTokens = 128;
    private const int WidenedTokens = 512;

    // Elements between two workers' places, which so do not share a line.
    private const int PlaceStride = BandLayout.LineBytes / sizeof(int);

    private readonly CpuEngine _engine;
    private readonly Action<int, int> _gateItem;
    private readonly Action<int, int> _downItem;
    private readonly CpuInput[] _inner;
    private readonly int[] _places; // at which expert a worker was
    private Expert[] _experts = new Expert[16];
    private int[] _firstGateItems = new int[16];
    private int[] _firstDownItems = new int[16];
    private int _count;
    private int _gateItems;
    private int _downItems;
    private CpuInput _x = null!;

    public CpuFeedForward(CpuEngine engine)
    {
        _engine = engine;
        (_gateItem, _downItem) = (Gate, Down);
        _inner = [new CpuInput(engine), new CpuInput(engine)];
        _places = new int[engine.Team.Threads * PlaceStride];
    }

    /// <summary>Begins a run.</summary>
    /// <param name="x">The rows that all experts choose theirs from.</param>
    public void Begin(CpuInput x)
    {
        _x = x;
        Array.Clear(_experts, 0, _count); // no reference to weights stays
        (_count, _gateItems, _downItems) = (0, 0, 0);
    }

    /// <summary>Makes room for what lies between an expert's matrices.</summary>
    /// <param name="group">0 or 1: experts of one inner size.</param>
    /// <param name="places">Rows: the sum of the experts' tokens.</param>
    /// <param name="like">One of the experts.</param>
    /// <returns>The numbers from 0 on, as many as there are places or tokens: what consecutive tokens are.</returns>
    public int* Reserve(int group, int places, FeedForwardWeights like)
    {
        _inner[group].Reserve(places, (int)like.Down.Columns, _engine.Rounds(like.Down));
        return _engine.Products.Consecutive(Math.Max(places, _x.Tokens));
    }

    /// <summary>Adds an expert.</summary>
    /// <param name="weights">Its matrices.</param>
    /// <param name="group">Where its room was reserved.</param>
    /// <param name="firstPlace">Its first row there, and in the output.</param>
    /// <param name="tokens">Its tokens, [count]: rows of x.</param>
    /// <param name="consecutive">Whether they follow one another.</param>
    /// <param name="count">How many.</param>
    /// <param name="output">Receives [places × D].</param>
    public void Add(FeedForwardWeights weights, int group, int firstPlace, int* tokens, bool consecutive, int count, float* output)
    {
        if (_count == _experts.Length)
        {
            Array.Resize(ref _experts, 2 * _count);
            Array.Resize(ref _firstGateItems, 2 * _count);
            Array.Resize(ref _firstDownItems, 2 * _count);
        }

        var block = _engine.Rounds(weights.Gate) ? RoundedTokens : WidenedTokens;
        var expert = new Expert(weights, _inner[group], firstPlace, tokens, consecutive, count, block, output);
        (_firstGateItems[_count], _firstDownItems[_count]) = (_gateItems, _downItems);
        _experts[_count++] = expert;
        var blocks = expert.Blocks;
        _gateItems += CpuEngine.UnitsOf(weights.Gate) * blocks;
        _downItems += CpuEngine.UnitsOf(weights.Down) * blocks;
        _engine.Count(weights.Gate);
        _engine.Count(weights.Up);
        _engine.Count(weights.Down);
    }

    /// <summary>Computes what has been added.</summary>
    public void Run()
    {
        _engine.Each(_gateItems, _gateItem);
        _engine.Each(_downItems, _downItem);
    }

    public void Dispose()
    {
        foreach (var inner in _inner)
            inner.Dispose();
    }

    private void Gate(int item, int worker)
    {
        var index = Find(_firstGateItems, item, worker);
        ref readonly var expert = ref _experts[index];
        var (unit, block) = Math.DivRem(item - _firstGateItems[index], expert.Blocks);
        var first = block * expert.Block;
        var count = Math.Min(expert.Block, expert.Count - first);
        var rows = (int)Math.Min(Unit, expert.Weights.Gate.Rows - ((long)unit * Unit));
        var gate = _engine.Results(worker, 2L * count * Unit);
        var up = gate + ((long)count * Unit);
        if (rows < Unit)
            new Span<float>(gate, 2 * count * Unit).Clear(); // what fills up the last block is 0

        _engine.Multiply(expert.Weights.Gate, unit, _x, expert.Tokens + first, expert.Consecutive, count, gate, Unit, worker, CpuEngine.Address(expert.Weights.Up, unit));
        var next = CpuEngine.AddressAfter(expert.Weights.Gate, unit, After(index)?.Gate);
        _engine.Multiply(expert.Weights.Up, unit, _x, expert.Tokens + first, expert.Consecutive, count, up, Unit, worker, next);
        VectorMath.SiluMultiply(_engine.Path, gate, up, gate, count * Unit);
        for (var i = 0; i < count; i++)
            Keep(expert.Inner, expert.FirstPlace + first + i, unit, rows, gate + ((long)i * Unit));
    }

    private static void Keep(CpuInput inner, int place, int unit, int rows, float* values)
    {
        if (inner.Rounded is { } rounded)
            rounded.PrepareBlock(values, place, unit);
        else
            new ReadOnlySpan<float>(values, rows).CopyTo(new Span<float>(inner.Row(place) + ((long)unit * Unit), rows));
    }

    private void Down(int item, int worker)
    {
        var index = Find(_firstDownItems, item, worker);
        ref readonly var expert = ref _experts[index];
        var (unit, block) = Math.DivRem(item - _firstDownItems[index], expert.Blocks);
        var first = expert.FirstPlace + (block * expert.Block);
        var count = Math.Min(expert.Block, expert.FirstPlace + expert.Count - first);
        var down = expert.Weights.Down;
        var next = CpuEngine.AddressAfter(down, unit, After(index)?.Down);
        _engine.Multiply(
            down, unit, expert.Inner, _engine.Products.Consecutive(0) + first, true, count,
            expert.Output + (first * down.Rows) + ((long)unit * Unit), down.Rows, worker, next);
    }

    /// <summary>The expert of an item, from that of the worker's item before, which is mostly the same.</summary>
    private int Find(int[] firstItems, int item, int worker)
    {
        ref var place = ref _places[worker * PlaceStride];
        var index = Math.Min(place, _count - 1);
        while (firstItems[index] > item)
            index--;
        while (index + 1 < _count && firstItems[index + 1] <= item)
            index++;
        return place = index;
    }

    /// <summary>The next expert's weights.</summary>
    private FeedForwardWeights? After(int index) => index + 1 < _count ? _experts[index + 1].Weights : null;

    private readonly struct Expert(
        FeedForwardWeights weights, CpuInput inner, int firstPlace, int* tokens, bool consecutive, int count, int block, float* output)
    {
        public readonly FeedForwardWeights Weights = weights;
        public readonly CpuInput Inner = inner;
        public readonly int FirstPlace = firstPlace;
        public readonly int* Tokens = tokens;
        public readonly bool Consecutive = consecutive;
        public readonly int Count = count;

        /// <summary>Tokens of an item.</summary>
        public readonly int Block = block;

        /// <summary>Items of a unit of rows.</summary>
        public readonly int Blocks = (count + block - 1) / block;

        public readonly float* Output = output;
    }
}
