using Deepseek.Inference.Caching;
using static TorchSharp.torch;

namespace Deepseek.Inference.Compute;

/// <summary>Which cached tokens a run of consecutive queries sees, as at most two ranges and a mask.</summary>
/// <remarks>With a window, what lies between the first tokens and the oldest one that any query sees is never read.</remarks>
internal readonly struct VisibleKeys
{
    private readonly int _firstQuery;
    private readonly int _queries;
    private readonly int _sink;
    private readonly int _recent;
    private readonly int _recentStart;

    /// <summary>For the queries at positions [firstQuery, firstQuery + queries).</summary>
    public VisibleKeys(int firstQuery, int queries, AttentionWindow? window)
    {
        (_firstQuery, _queries) = (firstQuery, queries);
        (_recent, _sink) = window is null ? (int.MaxValue, 0) : (window.Recent, window.Sink);
        var oldest = (int)Math.Max(0, (long)firstQuery - _recent + 1);
        _recentStart = oldest <= _sink ? 0 : oldest;
        if (_recentStart == 0)
            _sink = window is null ? 0 : Math.Min(window.Sink, firstQuery + queries);
    }

    private int End => _firstQuery + _queries;

    /// <summary>The visible tokens' values in fp32, [S, width], oldest first.</summary>
    public Tensor Read(SequenceCache cache, int layer)
    {
        var recent = cache.Read(layer, _recentStart, End - _recentStart);
        return (_recentStart == 0 || _sink == 0 ? recent : cat([cache.Read(layer, 0, _sink), recent])).to(ScalarType.Float32);
    }

    /// <summary>−∞ where a query must not see a key and 0 elsewhere, [T, S]; null where every query sees every key that is read.</summary>
    public Tensor? Mask(Device device)
    {
        if (_queries == 1)
            return null;

        var early = _recentStart == 0 ? 0 : _sink; // how many of the first tokens are read beside the recent ones
        var keys = early + End - _recentStart;
        var mask = new float[(long)_queries * keys];
        for (var i = 0; i < _queries; i++)
        {
            var query = _firstQuery + i;
            var row = mask.AsSpan(i * keys, keys);
            for (var j = 0; j < keys; j++)
            {
                var key = j < early ? j : _recentStart + j - early;
                row[j] = key <= query && (query - key < _recent || key < _sink) ? 0 : float.NegativeInfinity;
            }
        }

        return tensor(mask, [_queries, keys], device: device);
    }
}
