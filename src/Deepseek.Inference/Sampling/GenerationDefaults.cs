using System.Text.Json;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Sampling;

/// <summary>The sampling settings and end tokens that a model is published with.</summary>
public sealed record GenerationDefaults
{
    /// <summary>No defaults at all, as for a model without the file.</summary>
    public static GenerationDefaults None { get; } = new();

    /// <summary>What logits are divided by, 0 or more; 0 where the file says <c>"do_sample": false</c>.</summary>
    public double? Temperature { get; init; }

    /// <summary>How many of the best tokens are kept; 0 keeps all.</summary>
    public int? TopK { get; init; }

    /// <summary>The probability that the kept tokens reach, 0 to 1.</summary>
    public double? TopP { get; init; }

    /// <summary>The least share of the best token's probability, 0 to 1.</summary>
    public double? MinP { get; init; }

    /// <summary>The probability that the most typical tokens reach, more than 0 and at most 1.</summary>
    public double? TypicalP { get; init; }

    /// <summary>The factor against tokens that occurred, more than 0.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Ids of the tokens that end a generation, in the file's order, each once; empty where the file names none.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Reads the text of a <c>generation_config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="file">The file's name, for error messages.</param>
    /// <returns>What the file sets. Absent and null keys set nothing; lengths such as <c>max_new_tokens</c> are the caller's choice and not read.</returns>
    /// <exception cref="CheckpointFormatException">The text is not a JSON object, or a setting is of another type or out of range; the key is named.</exception>
    public static GenerationDefaults Parse(string json, string file)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(file);
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read(new GenerationDefaultsReader(document.RootElement, file));
        }
        // Half a surrogate pair, plain or escaped, surfaces as one of the latter two.
        catch (Exception fault) when (fault is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new CheckpointFormatException(file, null, $"not valid JSON: {fault.Message}", fault);
        }
    }

    private static GenerationDefaults Read(GenerationDefaultsReader reader)
    {
        var temperature = reader.Number("temperature", SettingRange.Temperature);
        return new GenerationDefaults
        {
            Temperature = reader.Flag("do_sample") == false ? 0 : temperature,
            TopK = reader.Count("top_k", SettingRange.TopK),
            TopP = reader.Number("top_p", SettingRange.TopP),
            MinP = reader.Number("min_p", SettingRange.MinP),
            TypicalP = reader.Number("typical_p", SettingRange.TypicalP),
            RepetitionPenalty = reader.Number("repetition_penalty", SettingRange.RepetitionPenalty),
            EndTokens = reader.Tokens("eos_token_id"),
        };
    }
}
