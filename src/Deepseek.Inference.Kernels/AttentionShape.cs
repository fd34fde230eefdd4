namespace Deepseek.Inference.Kernels;

/// <summary>The heads of an attention layer, and where a cached row holds what they share.</summary>
/// <param name="Groups">Groups of heads that share keys and values; latent attention has one.</param>
/// <param name="HeadsPerGroup">Heads of a group; head h is in group h / HeadsPerGroup.</param>
/// <param name="KeyWidth">Elements of a key, and of a head's query.</param>
/// <param name="ValueWidth">Elements of a value, and of a head's output.</param>
/// <param name="KeyOffset">The element of a row at which group 0's key begins; the next group's follows it.</param>
/// <param name="ValueOffset">The element of a row at which group 0's value begins; the next group's follows it.</param>
internal readonly record struct AttentionShape(int Groups, int HeadsPerGroup, int KeyWidth, int ValueWidth, int KeyOffset, int ValueOffset)
{
    /// <summary>Heads of all groups.</summary>
    public int Heads => Groups * HeadsPerGroup;

    /// <summary>Elements of a row up to the end of the last key or value.</summary>
    public int RowWidth => Math.Max(KeyOffset + (Groups * KeyWidth), ValueOffset + (Groups * ValueWidth));

    /// <summary>Latent attention in the absorbed form: a row is [c_kv (C) | k_pe (R)]; all of it is the key, its first C elements are the value.</summary>
    public static AttentionShape Latent(int heads, int latentWidth, int ropeWidth) => new(1, heads, latentWidth + ropeWidth, latentWidth, 0, 0);

    /// <summary>Grouped-query attention: a row is [keys of all groups | values of all groups].</summary>
    public static AttentionShape Grouped(int groups, int headsPerGroup, int width) => new(groups, headsPerGroup, width, width, 0, groups * width);
}
