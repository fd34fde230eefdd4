using Deepseek.Inference.Chat;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Server.Replies;
using Deepseek.Inference.Server.Requests;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatEndpoint(ServedModel model)
{
    public async Task HandleAsync(HttpContext http, CancellationToken cancellationToken)
    {
        var request = await RequestBody.ReadAsync(http.Request, model.Options, ChatRequest.Read, cancellationToken).ConfigureAwait(false);
        var service = await model.GetAsync(request.Generation.Model, cancellationToken).ConfigureAwait(false);

        var prompt = Prompt(service.Generator, request);
        PromptLimits.Require(service.Generator, prompt, request.Generation.Options, "messages");
        var choices = Enumerable.Range(0, request.Generation.Choices).Select(i => new Choice(prompt, request.Generation.OptionsOf(i))).ToList();
        var tokenizer = service.Generator.Tokenizer;
        var readers = choices.Select(_ => new ChoiceReader()).ToList();
        var reply = new ChatReply(model.Head("chatcmpl"), request.LogProbabilities ? tokenizer : null, readers);

        var updates = ChoiceRun.StreamAsync(service, choices, cancellationToken);
        if (request.Generation.Stream)
        {
            var chunks = new ChatChunks(http.Response, reply, readers, request.Generation.IncludeUsage, cancellationToken);
            await StreamedReply.SendAsync(http.Response, updates, readers, chunks.SendAsync, request.Generation.IncludeUsage ? reply.WriteUsage : null, cancellationToken).ConfigureAwait(false);
            return;
        }

        await foreach (var (index, update) in updates.ConfigureAwait(false))
            readers[index].Take(update);
        await JsonReply.WriteAsync(http.Response, StatusCodes.Status200OK, reply.Write, cancellationToken).ConfigureAwait(false);
    }

    private static TextPrompt Prompt(TextGenerator generator, ChatRequest request)
    {
        try
        {
            return generator.Chat(request.Messages, request.Tools, request.Thinking);
        }
        catch (ChatTemplateException fault)
        {
            // The file's place is nobody's business.
            var reason = fault.Message[(fault.Message.IndexOf(": line ", StringComparison.Ordinal) + 2)..];
            throw ApiException.BadRequest($"The model's chat template cannot render the messages: {reason}", "messages");
        }
        catch (ArgumentException fault)
        {
            throw ApiException.BadRequest(fault, "messages");
        }
        catch (CheckpointFormatException)
        {
            throw ApiException.BadRequest("The model has no tokenizer or no chat template, so it cannot chat. Use /v1/completions.", "model", "no_chat_template");
        }
    }
}
