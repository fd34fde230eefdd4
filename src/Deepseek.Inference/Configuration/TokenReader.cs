using System.Text.Json;

namespace Deepseek.Inference.Configuration;

/// <summary>Reads the tokens that begin and end a sequence.</summary>
internal static class TokenReader
{
    internal static ModelConfig Read(ConfigObject root, ModelConfig config)
    {
        // A token that is null is none; one that is absent is the configuration class's default (see ConfigReader).
        var (begin, end) = config.Architecture switch
        {
            ModelArchitecture.DeepseekV3 => (0, 1),
            ModelArchitecture.Qwen2 => ((int?)null, (int?)null),
            _ => (1, 2),
        };
        var last = (root.Faults.Has("vocab_size") ? ConfigLimits.Vocabulary : config.VocabularySize) - 1;
        return config with { BeginToken = ReadBegin(root, last, begin), EndTokens = ReadEnd(root, last, end) };
    }

    private static int? ReadBegin(ConfigObject root, int last, int? absent)
    {
        const string Key = "bos_token_id";
        if (root.IsNull(Key))
            return null;
        return root.Has(Key) ? root.Int(Key, 0, last, 0) : InVocabulary(absent, last);
    }

    private static List<int> ReadEnd(ConfigObject root, int last, int? absent)
    {
        const string Key = "eos_token_id";
        if (root.IsNull(Key))
            return [];
        if (!root.Has(Key))
            return InVocabulary(absent, last) is { } token ? [token] : [];

        var items = root.ItemsOrOne(Key);
        if (items.Count > ConfigLimits.EndTokens)
        {
            root.Refuse(Key, FormattableString.Invariant($"{Key} lists {items.Count} tokens; it may list up to {ConfigLimits.EndTokens}."));
            return [];
        }

        List<int> tokens = [];
        foreach (var item in items)
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out var token) || token < 0 || token > last)
            {
                root.Refuse(Key, FormattableString.Invariant($"{Key} holds {ConfigObject.Describe(item)}; it must be a token, 0 to {last}, or a list of such."));
                return [];
            }

            if (!tokens.Contains(token))
                tokens.Add(token);
        }

        return tokens;
    }

    private static int? InVocabulary(int? token, int last) => token <= last ? token : null;
}
