using System.Globalization;
using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Server.Requests;

/// <summary>The parameters that both kinds of completion share.</summary>
/// <param name="Model">The model that is asked for.</param>
/// <param name="Options">How each reply is generated; seeds count up from the one given.</param>
/// <param name="Choices">Replies to each prompt.</param>
/// <param name="Stream">Whether the reply comes in pieces.</param>
/// <param name="IncludeUsage">Whether a stream ends with the tokens counted.</param>
internal sealed record GenerationFields(string Model, TextOptions Options, int Choices, bool Stream, bool IncludeUsage)
{
    private const int MaxStops = 4;
    private const int MaxStopLength = 1000;

    /// <param name="fields">The request.</param>
    /// <param name="maxTokens">The new tokens at most, as the request or the endpoint says; null for as many as the context holds.</param>
    /// <param name="alternatives">The most probable tokens reported beside each.</param>
    /// <param name="limits">The server's limits.</param>
    public static GenerationFields Read(JsonFields fields, int? maxTokens, int alternatives, DeepseekServerOptions limits)
    {
        var model = fields.Text("model") ?? throw JsonFields.Wrong("model", null, "a model's id, as /v1/models lists it");
        var stream = fields.Flag("stream") ?? false;
        var streamOptions = fields.Object("stream_options", "an object such as {\"include_usage\": true}");
        if (streamOptions is not null && !stream)
            throw ApiException.BadRequest("stream_options is given, and stream is not true; leave it out, or set stream.", "stream_options");
        var generation = new GenerationOptions { MaxNewTokens = maxTokens, Alternatives = alternatives, Sampling = ReadSampling(fields) };
        return new GenerationFields(
            model, new TextOptions { Generation = generation, StopStrings = ReadStops(fields) }, fields.Whole("n", 1, limits.MaxChoices) ?? 1, stream, streamOptions?.Flag("include_usage") ?? false);
    }

    /// <summary>The options of one of several replies to a prompt: without a seed, chance tells them apart; with one, its successors do.</summary>
    public TextOptions OptionsOf(int choice) => Options.Generation.Sampling.Seed is not { } seed || choice == 0 ? Options : Options with
    {
        Generation = Options.Generation with { Sampling = Options.Generation.Sampling with { Seed = unchecked(seed + choice) } },
    };

    private static SamplingOptions ReadSampling(JsonFields fields) => new()
    {
        Temperature = fields.Number("temperature", 0, 2),
        TopP = fields.Number("top_p", 0, 1),
        TopK = fields.Whole("top_k", 0, int.MaxValue),
        MinP = fields.Number("min_p", 0, 1),
        RepetitionPenalty = fields.Number("repetition_penalty", 0.01, 100),
        FrequencyPenalty = fields.Number("frequency_penalty", -2, 2),
        PresencePenalty = fields.Number("presence_penalty", -2, 2),
        LogitBias = ReadBias(fields),
        Seed = fields.Long("seed"),
    };

    private static Dictionary<int, float>? ReadBias(JsonFields fields)
    {
        if (fields.Object("logit_bias", "an object from token ids to numbers, -100 to 100") is not { } bias)
            return null;
        Dictionary<int, float> biases = [];
        foreach (var member in bias.Element.EnumerateObject())
        {
            if (!int.TryParse(member.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                throw ApiException.BadRequest($"logit_bias names '{(member.Name.Length > 60 ? member.Name[..60] : member.Name)}'; it must name tokens by their ids, such as \"50\".", "logit_bias");
            biases[id] = member.Value.ValueKind == JsonValueKind.Number && member.Value.TryGetDouble(out var value) && value is >= -100 and <= 100
                ? (float)value
                : throw JsonFields.Wrong(string.Create(CultureInfo.InvariantCulture, $"logit_bias.{id}"), member.Value, "a number, -100 to 100");
        }

        return biases.Count > 0 ? biases : null;
    }

    private static string[] ReadStops(JsonFields fields)
    {
        if (fields.Find("stop") is not { } stop)
            return [];
        if (stop.ValueKind == JsonValueKind.String)
            return [Stop(stop, "stop")];
        if (stop.ValueKind != JsonValueKind.Array || stop.GetArrayLength() > MaxStops)
            throw JsonFields.Wrong("stop", stop, FormattableString.Invariant($"a string, or an array of up to {MaxStops}"));
        return [.. stop.EnumerateArray().Select((item, i) => Stop(item, string.Create(CultureInfo.InvariantCulture, $"stop[{i}]")))];
    }

    private static string Stop(JsonElement item, string path) =>
        item.ValueKind == JsonValueKind.String && item.GetString() is { Length: > 0 and <= MaxStopLength } text
            ? text
            : throw JsonFields.Wrong(path, item, FormattableString.Invariant($"a string of 1 to {MaxStopLength} characters"));
}
