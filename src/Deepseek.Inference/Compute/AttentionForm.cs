namespace Deepseek.Inference.Compute;

/// <summary>In which of two equal ways latent attention is computed.</summary>
public enum AttentionForm
{
    /// <summary>Queries are carried into the latent space: the cache is read as it lies. Fewest bytes; the default.</summary>
    Absorbed,

    /// <summary>Keys and values are expanded from the latents: the definition, and fewer operations for long new texts.</summary>
    Naive,
}
