namespace Deepseek.Inference.Configuration;

/// <summary>Shape of multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, §2.1).</summary>
/// <param name="QueryRank">Width of the compressed query; null where queries are not compressed.</param>
/// <param name="LatentRank">C: width of the compressed key-value vector that the cache holds.</param>
/// <param name="NopeHeadSize">P: part of a head without positions.</param>
/// <param name="RopeHeadSize">R: part of a head that rotates; shared by all heads of the keys.</param>
/// <param name="ValueHeadSize">V: width of a head's values.</param>
public sealed record LatentAttentionConfig(int? QueryRank, int LatentRank, int NopeHeadSize, int RopeHeadSize, int ValueHeadSize);
