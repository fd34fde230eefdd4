using System.Globalization;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Server.Replies;
using Deepseek.Inference.Server.Requests;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary><c>POST /v1/completions</c>.</summary>
internal sealed class CompletionEndpoint(ServedModel model)
{
    public async Task HandleAsync(HttpContext http, CancellationToken cancellationToken)
    {
        var request = await RequestBody.ReadAsync(http.Request, model.Options, CompletionRequest.Read, cancellationToken).ConfigureAwait(false);
        var service = await model.GetAsync(request.Generation.Model, cancellationToken).ConfigureAwait(false);

        var choices = Choices(service.Generator, request);
        var tokenizer = service.Generator.Tokenizer;
        var readers = choices.Select(_ => new ChoiceReader()).ToList();
        var echoes = choices.Select((_, i) => request.Echo ? Echo(service.Generator, request.Prompts[i / request.Generation.Choices]) : "").ToList();
        var reply = new CompletionReply(
            model.Head("cmpl"), request.LogProbabilities ? tokenizer : null, readers, request.Generation.Choices, request.Generation.Options.Generation.Alternatives > 0);

        var updates = ChoiceRun.StreamAsync(service, choices, cancellationToken);
        if (request.Generation.Stream)
        {
            await StreamedReply.SendAsync(http.Response, updates, readers, SendAsync, request.Generation.IncludeUsage ? reply.WriteUsage : null, cancellationToken).ConfigureAwait(false);
            return;
        }

        await foreach (var (index, update) in updates.ConfigureAwait(false))
            readers[index].Take(update);
        await JsonReply.WriteAsync(http.Response, StatusCodes.Status200OK, json => reply.Write(json, echoes), cancellationToken).ConfigureAwait(false);

        async Task SendAsync(int index, TextUpdate update)
        {
            var text = echoes[index] + update.Text;
            echoes[index] = "";
            if (text.Length == 0 && update.Completion is null)
                return;
            await JsonReply.SendAsync(
                http.Response.BodyWriter,
                json => reply.WriteChunk(json, index, text, update.Completion is { } completion ? FinishReasons.Of(completion) : null, request.Generation.IncludeUsage),
                cancellationToken).ConfigureAwait(false);
            readers[index].Sent();
        }
    }

    private static List<Choice> Choices(TextGenerator generator, CompletionRequest request)
    {
        if (generator.Tokenizer is null && (request.Prompts.Any(prompt => prompt.Text is not null) || request.Echo || request.LogProbabilities || request.Generation.Options.StopStrings.Count > 0))
            throw ApiException.BadRequest("The model has no tokenizer, so it reads token ids alone, without echo, logprobs and stop.", "prompt", "no_tokenizer");
        List<Choice> choices = [];
        for (var i = 0; i < request.Prompts.Count; i++)
        {
            var prompt = request.Prompts[i].Ids is { } ids ? new TextPrompt(ids) : generator.Raw(request.Prompts[i].Text!);
            PromptLimits.Require(generator, prompt, request.Generation.Options, request.Prompts.Count == 1 ? "prompt" : string.Create(CultureInfo.InvariantCulture, $"prompt[{i}]"));
            for (var choice = 0; choice < request.Generation.Choices; choice++)
                choices.Add(new Choice(prompt, request.Generation.OptionsOf(choice)));
        }

        return choices;
    }

    private static string Echo(TextGenerator generator, CompletionPrompt prompt) =>
        prompt.Text ?? generator.Tokenizer!.Decode(prompt.Ids!.Where(id => generator.Tokenizer.TokenText(id) is not null));
}
