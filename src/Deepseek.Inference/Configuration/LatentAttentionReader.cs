namespace Deepseek.Inference.Configuration;

/// <summary>Reads the shape of latent attention.</summary>
internal static class LatentAttentionReader
{
    // huggingface/transformers@001f85b, configuration_deepseek_v3.py; V2 has the same.
    private const int DefaultQueryRank = 1536;

    internal static LatentAttentionConfig Read(ConfigObject root)
    {
        if (root.Flag("attention_bias", absent: false))
            root.Refuse("attention_bias", "attention_bias is true; latent attention is computed without biases.");
        if (!root.Flag("rope_interleave", absent: true))
            root.Refuse("rope_interleave", "rope_interleave is false; rotary pairs of latent attention are interleaved (2i, 2i+1).");

        // Here null is a statement, not an absence: V2-Lite and Moonlight say so that queries are not compressed.
        int? queryRank = root.IsNull("q_lora_rank") ? null : root.Int("q_lora_rank", 1, ConfigLimits.Width, DefaultQueryRank);
        var latent = new LatentAttentionConfig(
            queryRank,
            root.RequiredInt("kv_lora_rank", 1, ConfigLimits.Width),
            root.RequiredInt("qk_nope_head_dim", 1, ConfigLimits.HeadSize),
            root.RequiredInt("qk_rope_head_dim", 2, ConfigLimits.HeadSize),
            root.RequiredInt("v_head_dim", 1, ConfigLimits.HeadSize));
        if (latent.RopeHeadSize % 2 != 0)
            root.Refuse("qk_rope_head_dim", FormattableString.Invariant($"qk_rope_head_dim is {latent.RopeHeadSize}; it must be even, since rotary pairs two values."));
        return latent;
    }
}
