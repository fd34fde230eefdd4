using Deepseek.Inference.Caching;

namespace Deepseek.Inference.Compute;

/// <summary>One sequence's rows in a pass.</summary>
/// <param name="Cache">The sequence; its length does not count these rows yet.</param>
/// <param name="First">The first row.</param>
/// <param name="Count">How many.</param>
internal readonly record struct CpuSegment(SequenceCache Cache, int First, int Count);

/// <summary>The sequences of a pass, and their tokens' angles.</summary>
internal sealed unsafe class CpuSegments : IDisposable
{
    private readonly CpuBuffer _angles = new();
    private readonly List<CpuSegment> _list = [];
    private int[] _segments = []; // of each row
    private int _pairs;

    /// <summary>Rows of all sequences.</summary>
    public int Tokens { get; private set; }

    /// <summary>The sequences, in the order of their rows.</summary>
    public List<CpuSegment> List => _list;

    /// <summary>Forgets the sequences.</summary>
    public void Clear()
    {
        _list.Clear();
        Tokens = 0;
    }

    /// <summary>Adds a sequence.</summary>
    public void Add(SequenceCache cache, int count)
    {
        if (_segments.Length < Tokens + count)
            Array.Resize(ref _segments, Math.Max(Tokens + count, 2 * _segments.Length));
        _segments.AsSpan(Tokens, count).Fill(_list.Count);
        _list.Add(new CpuSegment(cache, Tokens, count));
        Tokens += count;
    }

    /// <summary>The sequence of a row.</summary>
    public CpuSegment Of(int row) => _list[_segments[row]];

    /// <summary>Makes room for the angles of all rows: cosines, then sines, [pairs] each.</summary>
    public float* ReserveAngles(int pairs)
    {
        _pairs = pairs;
        return _angles.Reserve(2L * pairs * Tokens);
    }

    /// <summary>The cosines of a row's angles.</summary>
    public float* Cosine(int row) => _angles.Reserve(0) + (2L * _pairs * row);

    /// <summary>The sines of a row's angles.</summary>
    public float* Sine(int row) => Cosine(row) + _pairs;

    public void Dispose() => _angles.Dispose();
}
