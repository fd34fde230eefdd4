using Deepseek.Inference.Chat;
using Deepseek.Inference.Server.Requests;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary>Checks what depends on the model before anything is generated.</summary>
internal static class PromptLimits
{
    /// <exception cref="ApiException">The prompt does not fit the model.</exception>
    public static void Require(TextGenerator generator, TextPrompt prompt, TextOptions options, string param)
    {
        var config = generator.Model.Config;
        var asked = options.Generation.MaxNewTokens ?? 1;
        // The last token needs no place: it never passes the model.
        if ((long)prompt.Ids.Count + asked - 1 > config.MaxPositions)
        {
            throw ApiException.BadRequest(
                options.Generation.MaxNewTokens is null
                    ? FormattableString.Invariant($"The prompt has {prompt.Ids.Count} tokens; the model's context holds {config.MaxPositions}. Shorten it.")
                    : FormattableString.Invariant($"The prompt has {prompt.Ids.Count} tokens, and {asked} new ones are asked for; the model's context holds {config.MaxPositions}. Shorten the prompt, or ask for fewer."),
                param, "context_length_exceeded");
        }

        if (prompt.Ids.Count == 0)
            throw ApiException.BadRequest("The prompt has no tokens; it needs at least one.", param);
        if (prompt.Ids.Where(id => id >= config.VocabularySize).Select(id => (int?)id).FirstOrDefault() is { } strange)
            throw ApiException.BadRequest(FormattableString.Invariant($"The prompt holds the token {strange}; ids must be 0 to {config.VocabularySize - 1}."), param);
        if (options.Generation.Sampling.LogitBias?.Keys.Max() is { } biased && biased >= config.VocabularySize)
            throw ApiException.BadRequest(FormattableString.Invariant($"logit_bias names token {biased}; ids must be 0 to {config.VocabularySize - 1}."), "logit_bias");
    }
}
