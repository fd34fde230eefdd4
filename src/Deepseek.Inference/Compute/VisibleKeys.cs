using Deepseek.Inference.Caching;
using Deepseek.Inference.Quantization;
using TorchSharp;
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

        var keys = Positions(_recentStart, End, device);
        if (_recentStart > 0 && _sink > 0)
            keys = cat([Positions(0, _sink, device), keys]);

        var queries = Positions(_firstQuery, End, device).unsqueeze(1); // [T, 1]
        var hidden = keys.gt(queries); // [T, S]
        if (_recent != int.MaxValue)
        {
            using Scalar recent = _recent.ToScalar(), sink = _sink.ToScalar();
            hidden = hidden.logical_or(queries.sub(keys).ge(recent).logical_and(keys.ge(sink)));
        }

        using var nothing = double.NegativeInfinity.ToScalar();
        return zeros(hidden.shape, ScalarType.Float32, device).masked_fill_(hidden, nothing);
    }

    private static Tensor Positions(int first, int end, Device device)
    {
        using Scalar from = first.ToScalar(), to = end.ToScalar();
        return arange(from, to, HeldScalar.One, ScalarType.Int64, device);
    }
}
