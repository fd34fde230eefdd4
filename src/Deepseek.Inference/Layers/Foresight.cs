using Deepseek.Inference.Experts;

namespace Deepseek.Inference.Layers;

/// <summary>Guesses the experts of a layer before it is reached, so that a disk with nothing else to do may bring them.</summary>
/// <remarks>
/// <para>
/// The residual stream changes little from layer to layer: the later layer's router, shown the stream as it is now, chooses much of what it will choose (Eliseev, Mazur, arXiv:2312.17238, "speculative loading"). A wrong
/// guess costs idle time of a disk and no answer.
/// </para>
/// <para>
/// How often guesses come true differs from layer to layer and falls with their rank, so it is counted, rank by rank, and only ranks that mostly come true become hints: a disk that reads in vain is a disk that is busy when it
/// is needed.
/// </para>
/// </remarks>
internal sealed class Foresight(int layer, RmsNorm norm, ExpertRouter router, IExpertSource source)
{
    // Below this share a hint costs more than it is worth.
    private const double Trusted = 0.8;

    // Guesses that count: the last some hundred.
    private const double Memory = 0.995;

    // A rank begins as not trusted: so many guesses that all came true change that.
    private const double Doubt = 8;

    private readonly double[] _made = new double[router.Config.ChosenCount]; // by rank
    private readonly double[] _right = new double[router.Config.ChosenCount];
    private ExpertId[] _guessed = []; // [N, K], of a row the surest first
    private ExpertId[] _hints = [];
    private int _rows; // of the guess that has not been judged yet

    /// <summary>Guesses, at the end of an earlier layer of a decoded token.</summary>
    public void Guess(CpuPass pass)
    {
        _rows = 0;
        if (!source.TakesHints || pass.Use != ExpertUse.Decode)
            return;

        var chosen = router.Config.ChosenCount;
        if (_guessed.Length < pass.Tokens * chosen)
            (_guessed, _hints) = (new ExpertId[pass.Tokens * chosen], new ExpertId[pass.Tokens * chosen]);
        router.Guess(pass, norm, layer, _guessed);
        _rows = pass.Tokens;

        var count = 0;
        for (var rank = 0; rank < chosen; rank++)
        {
            for (var row = 0; row < _rows && IsTrusted(rank); row++)
                _hints[count++] = _guessed[(row * chosen) + rank];
        }

        source.Prefetch(_hints.AsSpan(0, count));
    }

    /// <summary>Holds the guess against what the layer's router has chosen.</summary>
    public unsafe void Judge(CpuRouting routing)
    {
        var chosen = router.Config.ChosenCount;
        for (var row = 0; row < _rows; row++)
        {
            var actual = new ReadOnlySpan<int>(routing.Experts + ((long)row * chosen), chosen);
            for (var rank = 0; rank < chosen; rank++)
            {
                _made[rank] = (_made[rank] * Memory) + 1;
                _right[rank] = (_right[rank] * Memory) + (actual.Contains(_guessed[(row * chosen) + rank].Index) ? 1 : 0);
            }
        }

        _rows = 0;
    }

    private bool IsTrusted(int rank) => _right[rank] >= Trusted * (_made[rank] + Doubt) && _made[rank] > 0;
}
