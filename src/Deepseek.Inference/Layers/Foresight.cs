using Deepseek.Inference.Experts;

namespace Deepseek.Inference.Layers;

/// <summary>Guesses the experts of a layer before it is reached, so that a disk with nothing else to do may bring them.</summary>
/// <remarks>
/// The residual stream changes little from layer to layer: the later layer's router, shown the stream as it is now, chooses much of what it will choose (Eliseev, Mazur, arXiv:2312.17238, "speculative loading"). A wrong
/// guess costs idle time of a disk and no answer.
/// </remarks>
internal sealed class Foresight(int layer, RmsNorm norm, ExpertRouter router, IExpertSource source)
{
    private ExpertId[] _guessed = [];

    /// <summary>Guesses, at the end of an earlier layer of a decoded token.</summary>
    public void Guess(CpuPass pass)
    {
        if (!source.TakesHints || pass.Use != ExpertUse.Decode)
            return;

        var count = pass.Tokens * router.Config.ChosenCount;
        if (_guessed.Length < count)
            _guessed = new ExpertId[count];
        router.Guess(pass, norm, layer, _guessed);
        source.Prefetch(_guessed.AsSpan(0, count));
    }
}
