namespace Deepseek.Inference.Configuration;

/// <summary>Reads what the distilled models, Qwen2 and Llama, have of their own.</summary>
internal static class DenseReader
{
    // Qwen2Config's own default where the key is absent; null means ungrouped there too.
    private const int QwenKeyValueHeads = 32;

    internal static ModelConfig Read(ConfigObject root, ModelConfig common)
    {
        var qwen = common.Architecture == ModelArchitecture.Qwen2;
        var ungrouped = !qwen || root.IsNull("num_key_value_heads");
        var keyValueHeads = root.Int("num_key_value_heads", 1, ConfigLimits.Heads, ungrouped ? common.HeadCount : QwenKeyValueHeads);
        RefuseWhatIsNotComputed(root, qwen);
        if (root.Faults.None && common.HeadCount % keyValueHeads != 0)
        {
            root.Refuse("num_key_value_heads", FormattableString.Invariant(
                $"num_key_value_heads is {keyValueHeads}; it must divide num_attention_heads, {common.HeadCount}."));
        }

        return common with
        {
            KeyValueHeadCount = keyValueHeads,
            HeadSize = ReadHeadSize(root, common),
            AttentionBias = qwen, // Qwen2 has biases on q, k and v, and no key that says so.
        };
    }

    private static int ReadHeadSize(ConfigObject root, ModelConfig common)
    {
        var stated = root.Has("head_dim");
        var size = root.Int("head_dim", 2, ConfigLimits.HeadSize, common.HiddenSize / common.HeadCount);
        if (!root.Faults.None)
            return size;

        if (!stated && common.HiddenSize % common.HeadCount != 0)
        {
            root.Refuse("num_attention_heads", FormattableString.Invariant(
                $"num_attention_heads is {common.HeadCount}; it must divide hidden_size, {common.HiddenSize}, where head_dim is absent."));
        }
        else if (size % 2 != 0 || size is 0 or > ConfigLimits.HeadSize)
        {
            root.Refuse("head_dim", FormattableString.Invariant(
                $"head_dim is {size}; it must be even, 2 to {ConfigLimits.HeadSize}, since rotary pairs two values."));
        }

        return size;
    }

    private static void RefuseWhatIsNotComputed(ConfigObject root, bool qwen)
    {
        // Llama's biases lie on the output projection too, Qwen2's do not.
        if (!qwen && root.Flag("attention_bias", absent: false))
            root.Refuse("attention_bias", "attention_bias is true; Llama models are computed without biases.");
        if (root.Flag("use_sliding_window", absent: false))
            root.Refuse("use_sliding_window", "use_sliding_window is true; attention is computed over the whole context only.");
        if (root.Flag("use_mrope", absent: false))
            root.Refuse("use_mrope", "use_mrope is true; rotary positions in several dimensions are not computed.");
        if (root.Real("partial_rotary_factor", 0, 1, 1) is var part && part != 1)
            root.Refuse("partial_rotary_factor", FormattableString.Invariant($"partial_rotary_factor is {part}; it must be 1: whole heads rotate."));

        foreach (var type in root.ItemsOrOne("layer_types"))
        {
            if (ConfigObject.TryGetText(type, out var name) && name == "full_attention")
                continue;
            root.Refuse("layer_types", $"layer_types holds {ConfigObject.Describe(type)}; every layer must be \"full_attention\".");
            return;
        }
    }
}
