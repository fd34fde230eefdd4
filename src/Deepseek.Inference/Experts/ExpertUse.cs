namespace Deepseek.Inference.Experts;

/// <summary>What experts are rented for.</summary>
internal enum ExpertUse
{
    /// <summary>New tokens one by one: what they use is likely to be used again.</summary>
    Decode,

    /// <summary>A prompt, of which a layer uses most experts once: that says nothing about what comes.</summary>
    Prefill,
}
